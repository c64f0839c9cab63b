/** How long requests took, by name. */
export class Stopwatch {
  readonly #milliseconds = new Map<string, number[]>();

  async time<T>(name: string, run: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await run();
    const times = this.#milliseconds.get(name) ?? [];
    times.push(performance.now() - startedAt);
    this.#milliseconds.set(name, times);
    return result;
  }

  /** What was timed so far is forgotten. */
  clear(): void {
    this.#milliseconds.clear();
  }

  /** Requests and their latency at the median and the 95th percentile, in ms. */
  report(): { name: string; count: number; p50: number; p95: number }[] {
    return [...this.#milliseconds].map(([name, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      return { name, count: sorted.length, p50: at(0.5), p95: at(0.95) };
    });
  }
}
