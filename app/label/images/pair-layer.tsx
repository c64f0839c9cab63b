'use client';

import { type Dispatch, useRef } from 'react';
import { cn } from '../../components/ui/cn';
import type { HeldPair, LabelAction } from '../answers/label-state';
import { sides } from './sides';
import { useDecoding } from './use-decoding';

/**
 * Both images of a pair in their places, invisible until their turn. Tells when both are decoded,
 * or that one of them cannot be loaded.
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
  const { leaseId } = pair;
  const { attempt } = useDecoding(layer, {
    onDecoded: () => dispatch({ type: 'decoded', leaseId }),
    onGivenUp: () => dispatch({ type: 'undecodable', leaseId }),
  });

  return (
    <div
      ref={layer}
      data-pair-layer={shown ? 'shown' : 'ahead'}
      aria-hidden={!shown}
      className={cn('absolute inset-0 grid grid-cols-2 gap-2 sm:gap-3', !shown && 'invisible')}
    >
      {sides.map((side) => {
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
