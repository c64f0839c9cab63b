/** @file A trainer as the database knows it: it says that it lives, and its loops do the work. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { newId } from '@/db/ids';
import { heartbeatWorker, listWorkers, registerWorker, removeWorker } from '@/db/work/workers';
import { adoptCheckpoints } from '../train/checkpoint';
import type { ChosenDevice } from './device';
import { lanes } from './kinds';
import { WorkLoop } from './loop';
import { moveRoundsOn } from './moving-on';

const heartbeatMs = 5000;

export class Worker {
  readonly #id = newId();
  readonly #stopping = new AbortController();
  readonly #loops: readonly WorkLoop[];

  constructor(
    private readonly device: ChosenDevice,
    private readonly log: Logger,
  ) {
    this.#loops = lanes.map((kinds) => new WorkLoop(this.#id, kinds, device, log));
  }

  /** Works until told to stop; then everything it held is put back. */
  async run(): Promise<void> {
    await this.#buryTheDead();
    await adoptCheckpoints();
    await registerWorker({
      id: this.#id,
      pid: process.pid,
      host: hostname(),
      device: this.device.device,
      info: this.#info(),
    });
    const heartbeat = setInterval(() => {
      heartbeatWorker(this.#id, this.#info()).catch((error: unknown) => {
        this.log.warn({ error }, 'heartbeat failed');
      });
    }, heartbeatMs);
    this.log.info({ workerId: this.#id, ...this.device }, 'looking for work');
    const { signal } = this.#stopping;
    const loops = [...this.#loops.map((loop) => loop.run(signal)), moveRoundsOn(this.log, signal)];
    try {
      // Where one loop ends by an error, the others put down what they hold.
      await Promise.all(loops.map((loop) => loop.finally(() => this.stop())));
    } finally {
      await Promise.allSettled(loops);
      clearInterval(heartbeat);
      await removeWorker(this.#id);
    }
  }

  /** Puts down what is being done, at once. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Work of trainers that were killed on this machine is free again at once. */
  async #buryTheDead(): Promise<void> {
    for (const worker of await listWorkers()) {
      if (worker.host !== hostname() || lives(worker.pid)) continue;
      this.log.info(
        { workerId: worker.id, pid: worker.pid },
        'found ended, its work is free again',
      );
      await removeWorker(worker.id);
    }
  }

  #info(): Record<string, unknown> {
    const current = this.#loops.map((loop) => loop.current);
    const rssBytes = current.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    return {
      adapter: this.device.adapter ?? null,
      node: process.version,
      work: current.flatMap(({ work }) => work ?? []),
      rssMb: Math.round((process.memoryUsage.rss() + rssBytes) / 2 ** 20),
    };
  }
}

/** Whether a process of this machine runs; a number that is ours now was another's before. */
function lives(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
