'use client';

import type { Dispatch, ReactNode } from 'react';
import type { HeldPair, LabelAction } from '../answers/label-state';
import { Frame } from './frame';
import { PairLayer } from './pair-layer';
import { type Side, sides } from './sides';
import { useTouch } from './use-touch';

/**
 * Two frames on a strip of film, of which the better one is pressed, or swiped towards. All pairs
 * in hand lie in it as layers, of which the first shows once both its images are decoded: so the
 * two appear in the same frame, and the next pair is already there.
 */
export function FilmStrip({
  pairs,
  current,
  frameNumber,
  veiled,
  onReveal,
  onPick,
  onZoom,
  dispatch,
  children,
}: {
  pairs: HeldPair[];
  /** The pair that may be judged, if there is one. */
  current: HeldPair | undefined;
  frameNumber: number | null;
  /** Whether the pair is blurred for somebody who wants it so. */
  veiled: boolean;
  onReveal: () => void;
  onPick: (side: Side) => void;
  onZoom: () => void;
  dispatch: Dispatch<LabelAction>;
  /** What to say where there is no pair. */
  children: ReactNode;
}) {
  const { leaning, listeners } = useTouch((side) => current && onPick(side));
  return (
    <div
      {...listeners}
      className="touch-pan-y touch-pinch-zoom rounded-md bg-film px-2 py-1 sm:px-3 beside:col-start-1 beside:row-span-4 beside:row-start-1 beside:w-[calc(2*var(--side)+2.25rem)]"
    >
      <div aria-hidden className="grid grid-cols-2 gap-2 sm:gap-3">
        {['', 'A'].map((suffix) => (
          <p
            key={suffix}
            className="edge-print flex h-6 items-center justify-between text-film-ink"
          >
            <span>{frameNumber === null ? '' : `▸ ${frameNumber}${suffix}`}</span>
            <span className="hidden pointer-coarse:inline">
              {suffix === '' ? '← swipe' : 'swipe →'}
            </span>
          </p>
        ))}
      </div>
      <div className="relative">
        <div className="grid grid-cols-2 gap-2 sm:gap-3">
          {sides.map((side) => (
            <div key={side} className="aspect-square w-full bg-white/5" />
          ))}
        </div>
        {pairs.map((pair) => (
          <PairLayer
            key={pair.leaseId}
            pair={pair}
            shown={pair.leaseId === current?.leaseId}
            veiled={veiled}
            dispatch={dispatch}
          />
        ))}
        {current ? (
          <div className="absolute inset-0 grid grid-cols-2 gap-2 sm:gap-3">
            {sides.map((side) => (
              <Frame
                key={side}
                side={side}
                leaning={leaning === side}
                veiled={veiled}
                onReveal={onReveal}
                onPick={() => onPick(side)}
                onZoom={onZoom}
              />
            ))}
          </div>
        ) : (
          <div className="absolute inset-0 flex items-center justify-center">{children}</div>
        )}
      </div>
      <div aria-hidden className="sprockets my-2 h-2 opacity-15" />
    </div>
  );
}
