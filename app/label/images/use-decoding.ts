'use client';

import { type RefObject, useEffect, useEffectEvent, useState } from 'react';

const attemptsMax = 5;
const retryMs = 1_500;

/**
 * Waits until all images within `layer` are decoded. What does not load is tried again, and given
 * up after a few times; each attempt wants new elements (`key={attempt}`), because one that failed
 * does not load again.
 */
export function useDecoding(
  layer: RefObject<HTMLElement | null>,
  heard: { onDecoded: () => void; onGivenUp: () => void },
): { attempt: number } {
  const [attempt, setAttempt] = useState(1);
  const decoded = useEffectEvent(() => heard.onDecoded());
  const givenUp = useEffectEvent(() => heard.onGivenUp());

  useEffect(() => {
    let awaited = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const images = [...(layer.current?.querySelectorAll('img') ?? [])];
    Promise.all(images.map((image) => image.decode())).then(
      () => awaited && decoded(),
      () => {
        if (!awaited) return;
        if (attempt >= attemptsMax) givenUp();
        else timer = setTimeout(() => setAttempt(attempt + 1), retryMs);
      },
    );
    return () => {
      awaited = false;
      clearTimeout(timer);
    };
  }, [layer, attempt]);

  return { attempt };
}
