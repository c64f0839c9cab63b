/**
 * @file Large networks as ONNX Runtime computes them, kept on disk: rewritten and with weights
 * packed, once for a machine. Loaded from there weights are pages of a file, which processes share
 * and the system may take back; otherwise each session packs a copy of its own at every start.
 */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Identity, keyOf } from './identity';

export interface PreparedSettings {
  /** Made if need be; holds nothing else. */
  folder: string;
  /** Bytes of all that is kept; what was used longest ago goes first. */
  mostBytes: number;
  /** Bytes of weights from which on a network is worth it. */
  leastBytes: number;
}

/** Files of a prepared network, in a folder of its own. */
const names = { model: 'model.onnx', weights: 'weights' } as const;

interface Manifest {
  identity: Identity;
  /** Bytes that it takes. */
  bytes: number;
  /** Each file's bytes and CRC-32; none where it took more than may be kept. */
  files: Record<string, { bytes: number; crc: number }>;
}

/**
 * Packed copies, one for forward and one for backward, beside what is not packed: disk that has to
 * be free, in bytes of weights. More than has been seen.
 */
const mostGrowth = 3;

/** Writing ends long before that; a process of this number is another one. */
const longestWritingMs = 3_600_000;

export class PreparedStore {
  constructor(readonly settings: PreparedSettings) {}

  /**
   * The prepared model's path; undefined where there is none, or one that is not whole, which is
   * then gone.
   */
  find(identity: Identity): string | undefined {
    const folder = this.#folder(identity);
    const manifest = manifestOf(folder);
    if (!manifest) return this.#discard(folder);
    if (manifest.bytes > this.settings.mostBytes) return undefined;
    const same = JSON.stringify(manifest.identity) === JSON.stringify(identity);
    if (!same || !manifest.files[names.model]) return this.#discard(folder);
    if (!wasChecked(folder, manifest)) {
      const whole = Object.entries(manifest.files).every(([name, { bytes, crc }]) => {
        const found = checked(join(folder, name));
        return found?.bytes === bytes && found.crc === crc;
      });
      if (!whole) return this.#discard(folder);
      noteChecked(folder, manifest);
    }
    touch(folder);
    return join(folder, names.model);
  }

  /** Whether there is room for a network with so many bytes of weights. */
  hasRoomFor(identity: Identity, bytes: number): boolean {
    const { folder, mostBytes } = this.settings;
    const known = manifestOf(this.#folder(identity))?.bytes ?? bytes;
    if (mostBytes < known) return false;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#removeLeft();
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > mostGrowth * bytes;
  }

  /**
   * Has a network written, and keeps it once it is whole and on disk. Two processes may do so at
   * once: the first to be done is kept.
   *
   * @param write what is to write the model, and its weights under a name beside it
   */
  async keep(
    identity: Identity,
    write: (model: string, weights: string) => Promise<void>,
  ): Promise<void> {
    const folder = this.#folder(identity);
    const partial = `${folder}.${process.pid}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true, mode: 0o700 });
    try {
      await write(join(partial, names.model), names.weights);
      const files: Manifest['files'] = {};
      for (const name of readdirSync(partial)) {
        const path = join(partial, name);
        chmodSync(path, 0o600);
        sync(path);
        files[name] = checked(path)!;
      }
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      const fits = bytes <= this.settings.mostBytes;
      // What does not fit is remembered, so that it is not tried again at every start.
      const manifest: Manifest = { identity, bytes, files: fits ? files : {} };
      if (!fits) for (const name of Object.keys(files)) rmSync(join(partial, name));
      const path = join(partial, 'manifest.json');
      writeFileSync(path, JSON.stringify(manifest, null, 2), { mode: 0o600 });
      sync(path);
      sync(partial);
      if (fits) this.#evict(bytes, folder);
      try {
        renameSync(partial, folder);
      } catch (thrown) {
        // Another process was faster.
        if (!manifestOf(folder)) throw thrown;
      }
      sync(this.settings.folder);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }

  /** Takes away a network that ONNX Runtime would not load. */
  discard(identity: Identity): void {
    this.#discard(this.#folder(identity));
  }

  /** What is kept, used last first. */
  list(): { folder: string; bytes: number; usedAt: number }[] {
    return entriesOf(this.settings.folder)
      .flatMap((name) => {
        const folder = join(this.settings.folder, name);
        const manifest = manifestOf(folder);
        return manifest ? [{ folder, bytes: keptBytes(manifest), usedAt: usedAt(folder) }] : [];
      })
      .sort((a, b) => b.usedAt - a.usedAt);
  }

  /** Makes room for `bytes`; whoever has mapped a file that goes keeps its pages. */
  #evict(bytes: number, except: string): void {
    let left = this.settings.mostBytes - bytes;
    for (const kept of this.list()) {
      if (kept.folder === except) continue;
      left -= kept.bytes;
      if (left < 0) this.#discard(kept.folder);
    }
  }

  /** What processes left that ended while writing. */
  #removeLeft(): void {
    for (const name of entriesOf(this.settings.folder)) {
      const pid = Number(name.match(/\.(\d+)\.partial$/)?.[1]);
      const folder = join(this.settings.folder, name);
      if (pid && !isWriting(pid, folder)) this.#discard(folder);
    }
  }

  #folder(identity: Identity): string {
    return join(this.settings.folder, keyOf(identity));
  }

  #discard(folder: string): undefined {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Not ours to take away: it is not used, and whoever looks at the folder sees it.
    }
  }
}

function isWriting(pid: number, folder: string): boolean {
  try {
    process.kill(pid, 0);
    return Date.now() - statSync(folder).mtimeMs < longestWritingMs;
  } catch {
    return false;
  }
}

function manifestOf(folder: string): Manifest | undefined {
  if (folder.endsWith('.partial')) return undefined;
  try {
    return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

const keptBytes = ({ files }: Manifest): number =>
  Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function usedAt(folder: string): number {
  try {
    return statSync(join(folder, 'manifest.json')).mtimeMs;
  } catch {
    return 0;
  }
}

function touch(folder: string): void {
  const now = new Date();
  utimesSync(join(folder, 'manifest.json'), now, now);
}

function sync(path: string): void {
  // Windows opens no folder, and syncs no file that is open for reading alone.
  if (process.platform === 'win32') return;
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

/**
 * Whether its files were read through since this machine was started, and nobody has written to
 * them since: what a crash of the machine may damage is read again after it.
 */
function wasChecked(folder: string, manifest: Manifest): boolean {
  const now = stampOf(folder, manifest);
  try {
    return now !== undefined && readFileSync(join(folder, 'checked'), 'utf8') === now;
  } catch {
    return false;
  }
}

function noteChecked(folder: string, manifest: Manifest): void {
  const stamp = stampOf(folder, manifest);
  if (stamp !== undefined) writeFileSync(join(folder, 'checked'), stamp, { mode: 0o600 });
}

/** This start of the machine, and each file’s last change, which no program can put back. */
function stampOf(folder: string, { files }: Manifest): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const changed = Object.keys(files).map((name) => {
      const { ino, size, ctimeNs } = statSync(join(folder, name), { bigint: true });
      return [name, ino, size, ctimeNs].join(' ');
    });
    return [boot, ...changed].join('\n');
  } catch {
    return undefined;
  }
}

/** Bytes and CRC-32 of a file, undefined where there is none. Reading it brings its pages, too. */
function checked(path: string): { bytes: number; crc: number } | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const part = Buffer.allocUnsafe(2 ** 23);
    let [bytes, crc] = [0, 0];
    for (;;) {
      const read = readSync(file, part);
      if (read === 0) return { bytes, crc };
      bytes += read;
      crc = crc32(part.subarray(0, read), crc);
    }
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
