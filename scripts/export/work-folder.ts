/**
 * @file Where an export stands until it is whole: a folder within the one that was asked for, with
 * what was written and how far that is, so that an export that was killed goes on.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const folderName = '.darkroom-export';
const stateName = 'state.json';

/** Where to go on: all before it is on the disk. */
export interface Mark {
  /** The last row that was written, and how many there were. */
  after: string;
  rows: number;
  /** What the format notes of itself. */
  place: unknown;
}

interface State {
  /** What was asked for; something else begins anew. */
  asked: unknown;
  /** The moment of which this is a picture, ms. */
  until: number;
  mark: Mark | null;
  /** Files that only have to be moved to their places. */
  whole: string[] | null;
}

export class WorkFolder {
  private constructor(
    readonly folder: string,
    private state: State,
  ) {}

  /**
   * The work folder of an export to `folder`, as a killed one has left it where the same was asked
   * for. @param asked JSON
   */
  static async open(folder: string, asked: unknown, now: number): Promise<WorkFolder> {
    const path = join(folder, folderName);
    const found = await stateIn(path);
    if (found && JSON.stringify(found.asked) === JSON.stringify(asked)) {
      return new WorkFolder(folder, found);
    }
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
    const fresh = new WorkFolder(folder, { asked, until: now, mark: null, whole: null });
    await fresh.#save();
    return fresh;
  }

  get until(): number {
    return this.state.until;
  }

  get mark(): Mark | null {
    return this.state.mark;
  }

  /** Whether nothing is left to write. */
  get isWhole(): boolean {
    return this.state.whole !== null;
  }

  /** Where a file lies until the export is whole; `name` is its place in the end. */
  async place(name: string): Promise<string> {
    const path = join(this.folder, folderName, name);
    await mkdir(dirname(path), { recursive: true });
    return path;
  }

  async note(mark: Mark): Promise<void> {
    this.state.mark = mark;
    await this.#save();
  }

  /**
   * Moves files to their places, in which nothing else that `replaced` knows stays. Killed
   * meanwhile, it is called again.
   */
  async finish(files: readonly string[], replaced: RegExp): Promise<void> {
    this.state.whole ??= [...files];
    await this.#save();
    const { whole } = this.state;
    for (const name of whole) {
      await mkdir(dirname(join(this.folder, name)), { recursive: true });
      await moved(join(this.folder, folderName, name), join(this.folder, name));
    }
    const kept = new Set(whole);
    for (const name of await namesUnder(this.folder)) {
      if (replaced.test(name) && !kept.has(name)) await rm(join(this.folder, name));
    }
    await rm(join(this.folder, folderName), { recursive: true, force: true });
  }

  async #save(): Promise<void> {
    const path = join(this.folder, folderName, stateName);
    const handle = await open(`${path}.part`, 'w');
    try {
      await handle.writeFile(JSON.stringify(this.state));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.part`, path);
  }
}

async function stateIn(path: string): Promise<State | null> {
  try {
    return JSON.parse(await readFile(join(path, stateName), 'utf8')) as State;
  } catch {
    return null;
  }
}

async function moved(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (cause) {
    // It was moved before the last attempt ended.
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}

/** Files of a folder and of the folders in it, by their paths with `/`. */
async function namesUnder(folder: string): Promise<string[]> {
  const top = await readdir(folder, { withFileTypes: true });
  const names = await Promise.all(
    top.map(async (one) => {
      if (!one.isDirectory()) return [one.name];
      if (one.name !== 'data') return [];
      return (await readdir(join(folder, one.name))).map((name) => `${one.name}/${name}`);
    }),
  );
  return names.flat();
}
