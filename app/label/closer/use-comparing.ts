'use client';

import { type RefObject, useRef, useState } from 'react';
import type { LookShortcut } from '../keys/shortcuts';

/** How the two images of a pair lie: one beside the other, or one over the other. */
export type Arrangement = 'beside' | 'slider' | 'difference';

/** What keys do to the images under the closer look. */
export type LookHandle = Record<'zoomIn' | 'zoomOut' | 'pixels', () => void>;

export type Comparing = {
  handle: RefObject<LookHandle | null>;
  arrangement: Arrangement;
  arrange: (arrangement: Arrangement) => void;
  /** Whether each image stands in the other's place. */
  swapped: boolean;
  swap: (swapped: boolean) => void;
};

/** How the images under the closer look are compared, and what keys do there. */
export function useComparing() {
  const handle = useRef<LookHandle | null>(null);
  const [arrangement, arrange] = useState<Arrangement>('beside');
  const [swapped, swap] = useState(false);
  return {
    comparing: { handle, arrangement, arrange, swapped, swap } satisfies Comparing,
    press: (name: LookShortcut) => {
      if (name === 'blink') swap(true);
      else if (name === 'pixels') handle.current?.pixels();
      else if (name === 'zoom-in') handle.current?.zoomIn();
      else if (name === 'zoom-out') handle.current?.zoomOut();
      else arrange((now) => (now === name ? 'beside' : name));
    },
    /** As it is when the closer look opens. */
    reset: () => {
      arrange('beside');
      swap(false);
    },
  };
}
