import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { fileMode, folderMode } from '@/db/private-home';

const bytesMax = 10_000_000;

/**
 * A log that never stands in the way of what it tells about: what the disk does not take is
 * dropped, which is said once, and later lines are written again as soon as there is room. One that
 * has grown large becomes `<name>.old.log`.
 */
export class LogFile {
  readonly #path: string;
  readonly #onDrop: (why: string) => void;
  #descriptor: number | undefined;
  #bytes = 0;
  #droppedBytes = 0;

  /** @param onDrop told why, at the first of the bytes that are dropped in a row */
  constructor(path: string, onDrop: (why: string) => void) {
    this.#path = path;
    this.#onDrop = onDrop;
  }

  write(chunk: Uint8Array): void {
    try {
      this.#append(chunk);
    } catch (thrown) {
      if (this.#droppedBytes === 0) this.#onDrop((thrown as Error).message);
      this.#droppedBytes += chunk.length;
      // Opened anew next time: the folder, too, may be gone and come back.
      this.close();
    }
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #append(chunk: Uint8Array): void {
    if (this.#bytes > bytesMax) this.close();
    this.#descriptor ??= this.#open();
    if (this.#droppedBytes > 0) {
      writeAll(
        this.#descriptor,
        Buffer.from(`(${this.#droppedBytes} bytes could not be written here)\n`),
      );
      this.#droppedBytes = 0;
    }
    writeAll(this.#descriptor, chunk);
    this.#bytes += chunk.length;
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true, mode: folderMode });
    const descriptor = openSync(this.#path, 'a', fileMode);
    this.#bytes = fstatSync(descriptor).size;
    if (this.#bytes <= bytesMax) return descriptor;
    closeSync(descriptor);
    const { dir, name } = parse(this.#path);
    renameSync(this.#path, join(dir, `${name}.old.log`));
    this.#bytes = 0;
    return openSync(this.#path, 'a', fileMode);
  }
}

/** A nearly full disk takes a part of what it is given, and says nothing. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written);
  }
}
