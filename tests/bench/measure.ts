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
  const [timing] = await timeInTurns([run], { runs, warmUp });
  return timing as Timing;
}

/** Times several by turns: what slows the machine for a while slows them alike. */
export async function timeInTurns(
  all: readonly (() => Promise<unknown>)[],
  { runs = 15, warmUp = 2 } = {},
): Promise<Timing[]> {
  const times = all.map((): number[] => []);
  for (let i = 0; i < warmUp + runs; i++) {
    for (const [of, run] of all.entries()) {
      const start = performance.now();
      await run();
      if (i >= warmUp) times[of]?.push(performance.now() - start);
    }
  }
  return times.map((found) => {
    found.sort((a, b) => a - b);
    return { median: found[found.length >> 1]!, fastest: found[0]!, runs };
  });
}

/** Numbers that only need the right shape. */
export function anyNumbers(size: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.2;
  });
}

/** The middle of the values, the upper one of two; NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
