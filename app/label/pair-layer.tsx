'use client';

import { type Dispatch, useEffect, useRef, useState } from 'react';
import { cn } from '../components/ui/cn';
import type { HeldPair, LabelAction } from './label-state';

const attemptsMax = 5;
const retryMs = 1_500;

/**
 * Both images of a pair in their places, invisible until their turn. Tells when both are decoded; an
 * image that does not load is tried again, and given up after a few times.
 */
export function PairLayer({
  pair,
  shown,
  veiled,
  dispatch,
}: {
  pair: HeldPair;
  shown: boolean;
  veiled: boolean;
  dispatch: Dispatch<LabelAction>;
}) {
  const layer = useRef<HTMLDivElement>(null);
  const [attempt, setAttempt] = useState(1);
  const { leaseId } = pair;

  useEffect(() => {
    let awaited = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const images = [...(layer.current?.querySelectorAll('img') ?? [])];
    Promise.all(images.map((image) => image.decode())).then(
      () => awaited && dispatch({ type: 'decoded', leaseId }),
      () => {
        if (!awaited) return;
        if (attempt >= attemptsMax) dispatch({ type: 'undecodable', leaseId });
        else timer = setTimeout(() => setAttempt(attempt + 1), retryMs);
      },
    );
    return () => {
      awaited = false;
      clearTimeout(timer);
    };
  }, [leaseId, attempt, dispatch]);

  return (
    <div
      ref={layer}
      data-pair-layer={shown ? 'shown' : 'ahead'}
      aria-hidden={!shown}
      className={cn('absolute inset-0 grid grid-cols-2 gap-2 sm:gap-3', !shown && 'invisible')}
    >
      {(['left', 'right'] as const).map((side) => {
        const image = pair[side];
        return (
          <div key={side} className="overflow-hidden">
            <img
              // A new element for every attempt: one that failed does not load again.
              key={attempt}
              src={image.src}
              width={image.width}
              height={image.height}
              alt={`${side === 'left' ? 'Left' : 'Right'}: ${pair.prompt}`}
              draggable={false}
              className={cn('size-full object-contain', veiled && 'blur-2xl')}
            />
          </div>
        );
      })}
    </div>
  );
}
