/** @file Timing on a machine that others use too: the median of several runs after a warm-up. */

export interface Timing {
  /** Median, ms. */
  median: number;
  /** Fastest, ms. */
  fastest: number;
  runs: number;
}

/** Times `run`; the first `warmUp` calls (compilation, caches) do not count. */
export async function time(
  run: () => Promise<unknown>,
  { runs = 9, warmUp = 2 } = {},
): Promise<Timing> {
  const times: number[] = [];
  for (let i = 0; i < warmUp + runs; i++) {
    const start = performance.now();
    await run();
    if (i >= warmUp) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1] as number, fastest: times[0] as number, runs };
}

/** Numbers that only need the right shape. */
export function anyNumbers(size: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.2;
  });
}
