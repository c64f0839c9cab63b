/**
 * @file Values that are costly to make, kept as long as all of them take no more memory than
 * allowed.
 */

interface Kept<Value> {
  value: Promise<Value>;
  /** 0 until it is made. */
  bytes: number;
}

export class BoundedCache<Value> {
  /** The one used longest ago stands first, and goes first. */
  readonly #kept = new Map<string, Kept<Value>>();
  #bytes = 0;

  /**
   * @param bytesMax of all values together; one that is larger by itself is handed out and not kept
   */
  constructor(private readonly bytesMax: number) {}

  /**
   * The value of a key: what is kept, or else made. Who asks while it is being made waits for it; a
   * failure is not kept.
   */
  get(key: string, make: () => Promise<{ value: Value; bytes: number }>): Promise<Value> {
    const there = this.#kept.get(key);
    if (there) {
      this.#kept.delete(key);
      this.#kept.set(key, there);
      return there.value;
    }
    const made: Kept<Value> = {
      value: make().then((result) => this.#keep(key, made, result)),
      bytes: 0,
    };
    this.#kept.set(key, made);
    made.value.catch(() => this.#kept.delete(key));
    return made.value;
  }

  #keep(key: string, made: Kept<Value>, { value, bytes }: { value: Value; bytes: number }): Value {
    if (this.#kept.get(key) !== made) return value;
    if (bytes > this.bytesMax) {
      this.#kept.delete(key);
      return value;
    }
    made.bytes = bytes;
    this.#bytes += bytes;
    for (const [oldest, one] of this.#kept) {
      if (this.#bytes <= this.bytesMax) break;
      if (one.bytes === 0) continue;
      this.#kept.delete(oldest);
      this.#bytes -= one.bytes;
    }
    return value;
  }
}
