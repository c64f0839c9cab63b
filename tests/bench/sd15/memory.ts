/**
 * @file Memory of engine processes as Linux counts it: what is each one's own, and pages of files,
 * which processes share and the system may take back.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface MemoryPeak {
  /** Anonymous pages, which nobody shares. */
  privateMib: number;
  /** Pages of files: weights that are mapped. */
  sharedMib: number;
  /** Both at once. */
  totalMib: number;
}

export interface Usage extends MemoryPeak {
  /** Of the engine processes' threads, since they started. */
  cpuSeconds: number;
}

const ticksPerSecond = 100;
const mib = (kib: number) => kib / 1024;

/** Engine processes started by a process of ours. */
function enginesOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    .filter((child) => child && /child\.cjs/.test(readFileSync(`/proc/${child}/cmdline`, 'utf8')))
    .map(Number);
}

function field(text: string, name: string): number {
  return Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))?.[1] ?? 0);
}

/** Now, of all engine processes together. */
function usageOf(pid: number): Usage {
  const usage: Usage = { privateMib: 0, sharedMib: 0, totalMib: 0, cpuSeconds: 0 };
  for (const engine of enginesOf(pid)) {
    const status = readFileSync(`/proc/${engine}/status`, 'utf8');
    const anonymous = mib(field(status, 'RssAnon'));
    const ofFiles = mib(field(status, 'RssFile') + field(status, 'RssShmem'));
    usage.privateMib += anonymous;
    usage.sharedMib += ofFiles;
    usage.totalMib += anonymous + ofFiles;
    const stat = readFileSync(`/proc/${engine}/stat`, 'utf8');
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    usage.cpuSeconds += (user + system) / ticksPerSecond;
  }
  return usage;
}

/** Looks at the engines of a process again and again, and remembers the most. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #peak: MemoryPeak = { privateMib: 0, sharedMib: 0, totalMib: 0 };
  #last: Usage = { privateMib: 0, sharedMib: 0, totalMib: 0, cpuSeconds: 0 };

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#look(), 20);
  }

  /** The peak so far, and processor time so far. */
  read(): Usage {
    this.#look();
    return { ...this.#peak, cpuSeconds: this.#last.cpuSeconds };
  }

  /**
   * What the engines hold now by their page tables (`smaps_rollup`): a page that n processes map
   * counts 1/n in `proportionalMib`.
   */
  proportional(): { privateMib: number; proportionalMib: number } {
    const sum = { privateMib: 0, proportionalMib: 0 };
    for (const engine of enginesOf(this.#pid)) {
      const rollup = readFileSync(`/proc/${engine}/smaps_rollup`, 'utf8');
      sum.privateMib += mib(field(rollup, 'Private_Dirty') + field(rollup, 'Private_Clean'));
      sum.proportionalMib += mib(field(rollup, 'Pss'));
    }
    return sum;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    try {
      const now = usageOf(this.#pid);
      this.#last = now;
      for (const key of ['privateMib', 'sharedMib', 'totalMib'] as const) {
        this.#peak[key] = Math.max(this.#peak[key], now[key]);
      }
    } catch {
      // Whoever has ended since the list was read has nothing more to tell.
    }
  }
}
