import { ChevronLeft, ChevronRight } from 'lucide-react';

/** Of the images' width, at a press. */
const step = 10;

const buttonClass =
  'flex size-9 shrink-0 items-center justify-center rounded-md bg-film/80 hover:bg-film';

/** The edge between two images that lie over each other, moved by dragging or by pressing. */
export function SliderEdge({ share, onMove }: { share: number; onMove: (share: number) => void }) {
  const move = (by: number) => onMove(Math.min(100, Math.max(0, share + by)));
  return (
    <>
      <div
        aria-hidden
        className="pointer-events-none absolute inset-y-0 z-10 w-0.5 -translate-x-1/2 bg-film-ink"
        style={{ left: `${share}%` }}
      />
      <div className="absolute inset-x-2 bottom-2 z-10 flex items-center gap-2">
        <button
          type="button"
          aria-label="Less of the left image"
          className={buttonClass}
          onClick={() => move(-step)}
        >
          <ChevronLeft aria-hidden className="size-4" />
        </button>
        <input
          type="range"
          min={0}
          max={100}
          value={share}
          aria-label="How much of the left image shows"
          aria-valuetext={`${share} %`}
          onChange={(event) => onMove(event.target.valueAsNumber)}
          className="h-6 w-full min-w-0 accent-film-ink"
        />
        <button
          type="button"
          aria-label="More of the left image"
          className={buttonClass}
          onClick={() => move(step)}
        >
          <ChevronRight aria-hidden className="size-4" />
        </button>
      </div>
    </>
  );
}
