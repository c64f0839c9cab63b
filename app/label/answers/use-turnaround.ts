'use client';

import { type RefObject, useLayoutEffect, useRef } from 'react';

const samplesKept = 200;

/**
 * Measures how long it takes from the action (a key, a click) to the next pair standing on screen,
 * in ms: the last in `data-turnaround-ms` of the element, the 95th percentile in
 * `data-turnaround-p95-ms`, each one as a performance measure `darkroom:turnaround`. Returns
 * `start`, to be called by the action.
 */
export function useTurnaround(
  element: RefObject<HTMLElement | null>,
  /** The lease on screen, or null while there is none. */
  shown: string | null,
): { start: () => void } {
  const startedAt = useRef<number | null>(null);
  const samples = useRef<number[]>([]);

  useLayoutEffect(() => {
    if (shown === null || startedAt.current === null) return;
    const start = startedAt.current;
    startedAt.current = null;
    return afterPaint(() => {
      const { duration } = performance.measure('darkroom:turnaround', { start });
      samples.current = [...samples.current, duration].slice(-samplesKept);
      if (!element.current) return;
      element.current.dataset.turnaroundMs = duration.toFixed(1);
      element.current.dataset.turnaroundP95Ms = percentile95(samples.current).toFixed(1);
    });
  }, [shown, element]);

  return {
    start: () => {
      startedAt.current = performance.now();
    },
  };
}

/** Calls back in the task after the frame has been painted; returns a way to call it off. */
function afterPaint(callback: () => void): () => void {
  const channel = new MessageChannel();
  channel.port1.onmessage = callback;
  const frame = requestAnimationFrame(() => channel.port2.postMessage(null));
  return () => {
    cancelAnimationFrame(frame);
    channel.port1.close();
  };
}

function percentile95(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(0.95 * sorted.length))] ?? 0;
}
