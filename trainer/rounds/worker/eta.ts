/** @file When work will be done, from how long it has taken since this process took it up. */
export class Eta {
  readonly #startedAt = performance.now();
  readonly #total: number;
  #done = 0;

  /** @param total items still to be done */
  constructor(total: number) {
    this.#total = total;
  }

  /** Counts items as done; returns the seconds left, or null before the first. */
  after(items: number): number | null {
    this.#done += items;
    if (this.#done === 0) return null;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return (seconds / this.#done) * Math.max(0, this.#total - this.#done);
  }
}
