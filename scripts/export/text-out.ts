import { type FileHandle, open } from 'node:fs/promises';

/** A mark waits for the disk. */
const piecesPerMark = 200;

/** A file of text that grows piece by piece, and can be gone on with after a kill. */
export class TextOut {
  #held = 0;

  private constructor(
    private readonly handle: FileHandle,
    private bytes: number,
  ) {}

  /** @param place bytes that count; what stands behind them was written after the last mark */
  static async open(path: string, place: unknown): Promise<TextOut> {
    const bytes = typeof place === 'number' ? place : 0;
    const handle = await open(path, 'a');
    await handle.truncate(bytes);
    return new TextOut(handle, bytes);
  }

  /** Whether nothing was written yet. */
  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  /** Where to go on after this piece, now and then. */
  async add(text: string): Promise<{ place: number } | null> {
    const piece = Buffer.from(text);
    await this.handle.writeFile(piece);
    this.bytes += piece.length;
    this.#held++;
    if (this.#held < piecesPerMark) return null;
    this.#held = 0;
    await this.handle.sync();
    return { place: this.bytes };
  }

  async end(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
  }

  abandon(): Promise<void> {
    return this.handle.close();
  }
}
