'use client';

import { EyeOff, Maximize2 } from 'lucide-react';
import { cn } from '../../components/ui/cn';
import type { Side } from './sides';

/** What can be done to one image directly: pick it by pressing it, look closer, lift the veil. */
export function Frame({
  side,
  leaning,
  veiled,
  onReveal,
  onPick,
  onZoom,
}: {
  side: Side;
  /** Whether a finger swipes towards it. */
  leaning: boolean;
  veiled: boolean;
  onReveal: () => void;
  onPick: () => void;
  onZoom: () => void;
}) {
  return (
    <div className="group relative">
      <button
        type="button"
        aria-label={`Pick the ${side} image`}
        onClick={onPick}
        className={cn(
          'absolute inset-0 outline-offset-0 transition-shadow duration-100 hover:shadow-[inset_0_0_0_3px_var(--film-ink)] active:shadow-[inset_0_0_0_6px_var(--film-ink)]',
          leaning && 'shadow-[inset_0_0_0_6px_var(--film-ink)]',
        )}
      />
      {veiled ? (
        <button
          type="button"
          onClick={onReveal}
          className="absolute top-1/2 left-1/2 flex min-h-11 -translate-x-1/2 -translate-y-1/2 items-center gap-2 rounded-md bg-film px-3 text-film-ink text-sm sm:px-4"
        >
          <EyeOff aria-hidden className="size-4 shrink-0" /> Show
        </button>
      ) : null}
      <button
        type="button"
        aria-label="Look closer at both images"
        onClick={onZoom}
        className="absolute right-1.5 bottom-1.5 flex size-9 items-center justify-center rounded-sm bg-film/80 text-film-ink opacity-80 group-hover:opacity-100 focus-visible:opacity-100"
      >
        <Maximize2 aria-hidden className="size-4" />
      </button>
    </div>
  );
}
