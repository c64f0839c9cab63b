'use client';

import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import {
  type CSSProperties,
  type ReactNode,
  useEffect,
  useEffectEvent,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import {
  type ReactZoomPanPinchRef,
  TransformComponent,
  TransformWrapper,
} from 'react-zoom-pan-pinch';
import type { ServedImage } from '../../api/label/schema';
import { cn } from '../../components/ui/cn';
import type { Bindings } from '../keys/shortcuts';
import { LookTools } from './look-tools';
import { type Place, placeOf, transformFor } from './place';
import { SliderEdge } from './slider-edge';
import type { Arrangement, Comparing } from './use-comparing';

/** Of the pane, at a press. */
const panShare = 0.2;

/** So that the eye finds what differs by a few shades. */
const differenceTimes = 4;

/**
 * One or two images on the whole screen; pixels stay pixels. Moving or zooming one of two moves the
 * other the same way, so that the same place of both can be compared: beside each other, with an
 * edge that slides between them, as their difference, or by letting them change places. Another
 * image in the place of one is seen at the same place too.
 */
export function CloserLook({
  title,
  images,
  veiled,
  bindings,
  comparing,
  onClose,
  children,
}: {
  title: string;
  images: { image: ServedImage; alt: string; name?: string }[];
  veiled: boolean;
  bindings: Bindings;
  comparing: Comparing;
  onClose: () => void;
  /** What can be done here besides looking. */
  children: ReactNode;
}) {
  const views = useRef<(ReactZoomPanPinchRef | null)[]>([]);
  const stage = useRef<HTMLDivElement>(null);
  const following = useRef(false);
  /** Where the images are looked at; null: they are seen whole. */
  const place = useRef<Place | null>(null);
  const [share, setShare] = useState(50);
  const [scaleMin, setScaleMin] = useState(1);
  const { arrangement, swapped } = comparing;
  const size = images[0]?.image ?? { width: 1, height: 1 };

  function follow(moved: number, x: number, y: number, scale: number) {
    // Setting the other's transform reports back here; that echo must not start a ping-pong.
    if (following.current) return;
    following.current = true;
    void views.current[1 - moved]?.setTransform(x, y, scale, 0);
    following.current = false;
    const pane = paneOf(views.current[moved]);
    if (pane) place.current = scale === 1 ? null : placeOf({ x, y, scale }, pane, size);
  }

  function goTo(wanted: Place | null) {
    following.current = true;
    for (const view of views.current) {
      const pane = paneOf(view);
      if (!view || !pane) continue;
      const { x, y, scale } = wanted ? transformFor(wanted, pane, size) : { x: 0, y: 0, scale: 1 };
      void view.setTransform(x, y, scale, 0);
    }
    following.current = false;
    place.current = wanted;
  }

  const pixels = () => {
    const middle = place.current ?? { across: size.width / 2, down: size.height / 2 };
    goTo({ ...middle, magnification: onePixel() });
  };
  const zoomIn = () => void views.current[0]?.zoomIn(0.7, 0);
  const zoomOut = () => void views.current[0]?.zoomOut(0.7, 0);
  useImperativeHandle(comparing.handle, () => ({ pixels, zoomIn, zoomOut }));

  const refit = useEffectEvent(() => {
    const pane = paneOf(views.current[0]);
    if (!pane) return;
    const { scale } = transformFor({ magnification: onePixel(), across: 0, down: 0 }, pane, size);
    setScaleMin(Math.min(1, scale));
    goTo(place.current);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: panes of another shape show the same place
  useLayoutEffect(() => refit(), [arrangement]);
  useEffect(() => {
    if (!stage.current) return;
    const observer = new ResizeObserver(() => refit());
    observer.observe(stage.current);
    return () => observer.disconnect();
  }, []);

  const pan = useEffectEvent((event: KeyboardEvent) => {
    const [across, down] = panKeys[event.key] ?? [0, 0];
    const [view] = views.current;
    const pane = paneOf(view);
    if (!event.shiftKey || !view || !pane || (across === 0 && down === 0)) return;
    event.preventDefault();
    void view.panBy(across * panShare * pane.width, down * panShare * pane.height, 0);
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => pan(event);
    window.addEventListener('keydown', listener, { capture: true });
    return () => window.removeEventListener('keydown', listener, { capture: true });
  }, []);

  const isTwo = images.length > 1;
  const lies = isTwo ? arrangement : 'beside';
  return (
    <BaseDialog.Root open onOpenChange={(open) => open || onClose()}>
      <BaseDialog.Portal>
        <BaseDialog.Popup
          data-veil="film"
          className="fixed inset-0 z-50 grid grid-rows-[auto_minmax(11rem,1fr)_auto] overflow-y-auto bg-film text-film-ink beside:grid-cols-[minmax(0,1fr)_17rem] beside:grid-rows-[auto_minmax(11rem,1fr)]"
        >
          <div className="flex flex-wrap items-center gap-x-2 px-3 py-2 beside:col-span-2 beside:py-1">
            <BaseDialog.Title className="min-w-0 flex-1 truncate text-sm">{title}</BaseDialog.Title>
            <LookTools
              bindings={bindings}
              comparing={isTwo ? comparing : null}
              onPixels={pixels}
              onZoomIn={zoomIn}
              onZoomOut={zoomOut}
              onWhole={() => goTo(null)}
            />
            <BaseDialog.Close
              aria-label="Close"
              className="flex size-9 items-center justify-center rounded-md hover:bg-white/10 max-sm:order-first max-sm:ml-auto"
            >
              <X aria-hidden className="size-4" />
            </BaseDialog.Close>
          </div>
          <div
            ref={stage}
            data-arrangement={lies}
            data-swapped={swapped || undefined}
            className={cn(
              'relative isolate grid min-h-0 grid-cols-1 gap-1 overflow-hidden',
              isTwo && 'grid-rows-2 landscape:grid-cols-2 landscape:grid-rows-1',
              lies === 'difference' && 'bg-black',
            )}
            style={
              lies === 'difference' && !swapped
                ? { filter: `brightness(${differenceTimes})` }
                : undefined
            }
          >
            {images.map(({ image, alt, name }, index) => (
              <div
                // biome-ignore lint/suspicious/noArrayIndexKey: a place keeps its zoom when another image takes it
                key={index}
                className={cn(
                  'min-h-0 min-w-0 overflow-hidden',
                  lies === 'beside' ? 'relative bg-white/5' : 'absolute inset-0',
                )}
                style={isTwo ? paneStyle(lies, index === (swapped ? 0 : 1), share) : undefined}
              >
                <TransformWrapper
                  ref={(view) => {
                    views.current[index] = view;
                  }}
                  minScale={scaleMin}
                  maxScale={24}
                  doubleClick={{ mode: 'toggle', step: 3 }}
                  onTransform={(_, { positionX, positionY, scale }) =>
                    follow(index, positionX, positionY, scale)
                  }
                >
                  <TransformComponent
                    wrapperStyle={{ width: '100%', height: '100%' }}
                    contentStyle={{ width: '100%', height: '100%' }}
                  >
                    <img
                      src={image.src}
                      alt={alt}
                      draggable={false}
                      className={`pixelated size-full object-contain ${veiled ? 'blur-2xl' : ''}`}
                    />
                  </TransformComponent>
                </TransformWrapper>
                {name && lies !== 'difference' ? (
                  <span
                    className={cn(
                      'edge-print pointer-events-none absolute top-1 bg-film/80 px-1.5 py-0.5',
                      lies === 'slider' && index === (swapped ? 0 : 1) ? 'right-1' : 'left-1',
                    )}
                  >
                    {name}
                  </span>
                ) : null}
              </div>
            ))}
            {lies === 'slider' ? <SliderEdge share={share} onMove={setShare} /> : null}
          </div>
          {/* On paper again: these colours are made for it. */}
          <div className="min-w-0 bg-background p-3 text-foreground beside:overflow-y-auto">
            <div className="mx-auto w-full max-w-2xl">{children}</div>
          </div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/** Towards what is meant to be seen: the content moves the other way. */
const panKeys: Record<string, readonly [across: number, down: number]> = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** Px of a page for one of the screen. */
function onePixel(): number {
  return 1 / window.devicePixelRatio;
}

function paneOf(view: ReactZoomPanPinchRef | null | undefined) {
  const wrapper = view?.instance.wrapperComponent;
  if (!wrapper || wrapper.clientWidth === 0 || wrapper.clientHeight === 0) return null;
  return { width: wrapper.clientWidth, height: wrapper.clientHeight };
}

/**
 * Where a pane lies: of two beside each other the second, or of two over each other the upper one,
 * is `last`. What lies over is seen through for the mouse.
 */
function paneStyle(arrangement: Arrangement, last: boolean, share: number): CSSProperties {
  if (arrangement === 'beside') return { order: last ? 1 : 0 };
  if (!last) return { zIndex: 0 };
  return {
    zIndex: 1,
    pointerEvents: 'none',
    ...(arrangement === 'slider'
      ? { clipPath: `inset(0 0 0 ${share}%)` }
      : { mixBlendMode: 'difference' }),
  };
}
