const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);

/** A run that fits into no way of computing it. */
export class MemoryBudgetError extends Error {
  constructor(
    readonly leastBytes: number,
    readonly mostBytes: number,
  ) {
    super(
      `Training takes ${gigabytes(leastBytes)} GB at the least, with everything computed again that can be, and may take ${gigabytes(mostBytes)} GB. Raise DARKROOM_MEMORY_GB to ${Math.ceil((leastBytes / 1e9) * 10) / 10}, train fewer images at a time, or draw smaller ones.`,
    );
    this.name = 'MemoryBudgetError';
  }
}
