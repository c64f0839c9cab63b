/**
 * @file The images that rows name or hold, each read and checked once; and their bytes for the blob
 * store when wanted.
 */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { getBlob, putBlob, statBlob } from '@/db/blobs/blobs';
import { sha256 } from '@/db/blobs/store';
import type { ImportReason } from '@/db/exchange/import-checks';
import { AppError } from '@/lib/errors';
import type { ImportedRow } from '@/lib/exchange/imported-row';
import { answersIn } from '@/lib/exchange/shapes';
import { type Alteration, type Frame, fitImage, ImageError, imageBytesMax } from './fit-image';
import type { Place, RowsFile } from './rows-file';

/** Says what is wrong with a row, and what would be right. */
export class RowError extends Error {
  constructor(
    readonly reason: ImportReason,
    message: string,
  ) {
    super(message);
  }
}

export type Side = 0 | 1;

type ImageColumn = `image_${Side}_${'path' | 'uid' | 'url'}` | `jpg_${Side}`;
export type ImageColumns = Pick<ImportedRow, ImageColumn>;

/** Where the bytes of an image lie: in a file, in a row, or in the blob store already. */
type Source =
  | { kind: 'file'; path: string }
  | { kind: 'blob'; hash: string }
  | { kind: 'row'; place: Place; side: Side };

export interface FoundImage {
  /** The sha256 of its bytes as they are stored. */
  imageBlob: string;
  altered: Alteration[];
}

/** `https:`, `s3:`; one letter is a drive. */
const address = /^[a-z][a-z\d+.-]+:/i;

const extensions = ['png', 'jpg', 'jpeg', 'webp', 'PNG', 'JPG', 'JPEG'];

export class Images {
  readonly #known = new Map<string, FoundImage>();
  readonly #sources = new Map<string, Source>();
  /** In this import. */
  readonly #put = new Set<string>();

  /** @param file whose folder no path may lead out of */
  constructor(
    private readonly file: Pick<RowsFile, 'path' | 'folder' | 'again'>,
    private readonly frame: Frame,
  ) {}

  /** Every image found so far, by its bytes as they are stored. */
  get altered(): Alteration[][] {
    return [
      ...new Map([...this.#known.values()].map((one) => [one.imageBlob, one.altered])).values(),
    ];
  }

  /** The image on one side of a row. Throws a RowError. */
  async find(row: ImageColumns, side: Side, place: Place): Promise<FoundImage> {
    const held = row[`jpg_${side}`];
    const bytes = held === null ? null : bytesIn(held, side);
    const source: Source = bytes ? { kind: 'row', place, side } : await this.#locate(row, side);
    const key = bytes ? sha256(bytes) : nameOf(source);
    const known = this.#known.get(key);
    if (known) return known;
    const { png, altered } = await this.#fitted(
      bytes ?? (await this.#bytesOf(source)),
      nameOf(source),
    );
    const found = { imageBlob: sha256(png), altered };
    this.#known.set(key, found);
    this.#sources.set(found.imageBlob, source);
    return found;
  }

  /**
   * Brings an image that was found to the blob store, also to heal it there. Throws 'conflict'
   * where it has changed since.
   */
  async put(imageBlob: string): Promise<void> {
    if (this.#put.has(imageBlob)) return;
    const source = this.#sources.get(imageBlob) as Source;
    const { png } = await this.#fitted(await this.#bytesOf(source), nameOf(source));
    if (sha256(png) !== imageBlob) throw changed(nameOf(source));
    await putBlob(png);
    this.#put.add(imageBlob);
  }

  async #bytesOf(source: Source): Promise<Uint8Array> {
    if (source.kind === 'file') return fileBytes(source.path);
    if (source.kind === 'blob') return getBlob(source.hash);
    const row = await this.file.again(source.place);
    const parts = row ? answersIn(row) : [];
    const part = typeof parts === 'string' ? undefined : parts[source.place.part];
    const held = part?.[`jpg_${source.side}`];
    const isObject = typeof held === 'object' && !(held instanceof Uint8Array);
    const bytes = isObject ? (held as { bytes?: unknown } | null)?.bytes : held;
    if (typeof bytes !== 'string' && !(bytes instanceof Uint8Array)) throw changed(this.file.path);
    return bytesIn(bytes, source.side);
  }

  async #fitted(bytes: Uint8Array, name: string) {
    try {
      return await fitImage(bytes, name, this.frame);
    } catch (thrown) {
      throw thrown instanceof ImageError ? new RowError(thrown.reason, thrown.message) : thrown;
    }
  }

  async #locate(row: ImageColumns, side: Side): Promise<Source> {
    const column = `image_${side}` as const;
    const [path, uid, url] = [row[`${column}_path`], row[`${column}_uid`], row[`${column}_url`]];
    const named = path
      ? [path]
      : uid
        ? extensions.map((one) => join('images', `${uid}.${one}`))
        : [];
    const candidates = path || !url ? named : [...named, url];
    const files = candidates.filter((one) => !address.test(one));
    if (files.length === 0) {
      throw new RowError(
        'image-missing',
        candidates.length > 0
          ? `${column} is given as an address, and an import fetches nothing. Put the image beside the file and name it in ${column}_path, or its bytes in jpg_${side} as base64.`
          : `neither ${column}_path nor ${column}_uid nor jpg_${side} says which image is meant.`,
      );
    }
    const inside = files.map((one) => this.#inside(one, column));
    const there = inside.find((one) => existsSync(one));
    if (there) return { kind: 'file', path: there };
    // An export without its images, into the installation that it came from.
    if (uid && /^[0-9a-f]{64}$/.test(uid) && (await statBlob(uid))) {
      return { kind: 'blob', hash: uid };
    }
    throw new RowError(
      'image-missing',
      `${inside[0]} does not exist. Put the image there, or name it in ${column}_path.`,
    );
  }

  #inside(path: string, column: string): string {
    const { folder } = this.file;
    const whole = resolve(folder, path);
    const inside = relative(folder, whole);
    if (!inside.startsWith('..') && !isAbsolute(inside)) return whole;
    throw new RowError(
      'image-missing',
      `${column} "${path}" leads out of ${folder}. Put the images beside the file.`,
    );
  }
}

async function fileBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= imageBytesMax) return await readFile(path);
    throw new RowError(
      'image-too-large',
      `${path} has ${size} bytes, more than ${imageBytesMax}. Save the image smaller.`,
    );
  } catch (thrown) {
    if (thrown instanceof RowError) throw thrown;
    throw new RowError(
      'image-unreadable',
      `${path} cannot be read (${(thrown as NodeJS.ErrnoException).code}). Name an image that can.`,
    );
  }
}

function nameOf(source: Source): string {
  switch (source.kind) {
    case 'file':
      return source.path;
    case 'blob':
      return `blob ${source.hash}`;
    case 'row':
      return `jpg_${source.side}`;
  }
}

function bytesIn(held: string | Uint8Array, side: Side): Uint8Array {
  if (held instanceof Uint8Array) return held;
  const base64 = held.replace(/^data:[^,]*,/, '').replaceAll(/\s+/g, '');
  if (base64 !== '' && /^[\w+/-]+={0,2}$/.test(base64)) return Buffer.from(base64, 'base64');
  const isEscaped = held.startsWith(String.raw`\x`);
  throw new RowError(
    'image-unreadable',
    isEscaped
      ? `jpg_${side} holds bytes in DuckDB's notation. Write base64(jpg_${side}) instead.`
      : `jpg_${side} is no base64. Write the image's bytes so, or put the image beside the file and name it in image_${side}_path.`,
  );
}

function changed(name: string): AppError {
  return new AppError(
    'conflict',
    `${name} has changed during the import. Let it stand still, then import again: what is stored stays.`,
  );
}
