/** @file The trainer's loop: claim work, do it, report what became of it. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { newId } from '@/db/ids';
import { type ClaimedWork, claimWork, failWork, releaseWork } from '@/db/work/queue';
import { heartbeatWorker, listWorkers, registerWorker, removeWorker } from '@/db/work/workers';
import type { WorkKind } from '@/lib/rounds';
import { Engine } from '@/trainer/runtime/engine';
import { sampleRound } from '../draw/sample';
import { evaluateRound } from '../evaluate/evaluate';
import { adoptCheckpoints, dropCheckpoint } from '../train/checkpoint';
import { trainRound } from '../train/train';
import { Assignment } from './assignment';
import type { ChosenDevice } from './device';
import { explainFailure, mayPass } from './failure';
import { RewardModelMaker } from './reward-model-maker';
import { insist, isLost, lookForWork, pause, pollMs, retryPauseMs } from './work-loop';

const performers: Record<WorkKind, (assignment: Assignment, engine: Engine) => Promise<void>> = {
  sample: sampleRound,
  train: trainRound,
  evaluate: evaluateRound,
};

const heartbeatMs = 5000;
/** How often a batch is tried again after the engine died or the database was busy: as often as a trainer that died. */
const retriesMax = 4;

export class Worker {
  readonly #id = newId();
  readonly #stopping = new AbortController();
  #current: { assignment: Assignment; engine: Engine | undefined } | undefined;

  constructor(
    private readonly device: ChosenDevice,
    private readonly log: Logger,
  ) {}

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
    const models = new RewardModelMaker(this.#id, this.device, this.log);
    const loops = [this.#serveRounds(), models.run(this.#stopping.signal)];
    try {
      // Where one loop ends by an error, the other puts down what it holds.
      await Promise.all(loops.map((loop) => loop.finally(() => this.stop())));
    } finally {
      await Promise.allSettled(loops);
      clearInterval(heartbeat);
      await removeWorker(this.#id);
    }
  }

  async #serveRounds(): Promise<void> {
    const stopping = this.#stopping.signal;
    while (!stopping.aborted) {
      const claimed = await lookForWork(() => claimWork({ workerId: this.#id }), this.log);
      if (claimed) await this.#execute(claimed);
      else await pause(pollMs, stopping);
    }
  }

  /** Puts down what is being done, at once. */
  stop(): void {
    this.#stopping.abort();
    this.#current?.assignment.halt('stopping');
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

  async #execute(claimed: ClaimedWork): Promise<void> {
    const assignment = new Assignment(claimed, this.#id);
    const { round, kind } = assignment;
    const log = this.log.child({ kind, round: round.id });
    this.#current = { assignment, engine: undefined };
    if (this.#stopping.signal.aborted) assignment.halt('stopping');
    assignment.signal.addEventListener('abort', () => {
      // A pause waits for the batch under way, so that its checkpoint can be read from the engine.
      if (assignment.haltedBecause !== 'paused') this.#current?.engine?.close();
    });
    const startedAt = performance.now();
    log.info({ cursor: assignment.cursor }, 'started');
    try {
      await this.#persist(assignment, log);
      log.info({ seconds: (performance.now() - startedAt) / 1000 }, 'done');
    } catch (thrown) {
      await this.#report(assignment, thrown, log);
    } finally {
      assignment.end();
      this.#current = undefined;
    }
  }

  /**
   * Does the work; goes on from its cursor, in a new engine, after what may pass. An engine may die while it is being
   * opened, too.
   */
  async #persist(assignment: Assignment, log: Logger): Promise<void> {
    const { signal } = assignment;
    let failures = 0;
    for (;;) {
      const { checkpoints } = assignment;
      let engine: Engine | undefined;
      try {
        signal.throwIfAborted();
        engine = await Engine.open({ device: this.device.device });
        signal.throwIfAborted();
        if (this.#current) this.#current.engine = engine;
        return await performers[assignment.kind](assignment, engine);
      } catch (thrown) {
        if (signal.aborted || !mayPass(thrown)) throw thrown;
        failures = assignment.checkpoints > checkpoints ? 1 : failures + 1;
        if (failures > retriesMax) throw thrown;
        log.warn({ error: thrown, failures }, 'going on from the last checkpoint');
        await pause(retryPauseMs, this.#stopping.signal);
      } finally {
        await engine?.close();
      }
    }
  }

  async #report(assignment: Assignment, thrown: unknown, log: Logger): Promise<void> {
    const because = assignment.haltedBecause ?? (isLost(thrown) ? 'lost' : undefined);
    const { claim } = assignment;
    if (because === 'lost' || because === 'cancelled') {
      log.info({ because }, 'dropped');
      if (because === 'cancelled') await dropCheckpoint(assignment.cursor);
    } else if (because) {
      log.info({ because }, 'put back');
      await insist(() => releaseWork(claim), this.#stopping.signal, log);
    } else {
      log.error({ error: thrown }, 'failed');
      await insist(
        () => failWork({ ...claim, error: explainFailure(thrown) }),
        this.#stopping.signal,
        log,
      );
    }
  }

  #info(): Record<string, unknown> {
    const { assignment, engine } = this.#current ?? {};
    const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
    return {
      adapter: this.device.adapter ?? null,
      node: process.version,
      work: assignment ? { kind: assignment.kind, roundId: assignment.round.id } : null,
      rssMb: mebibytes(process.memoryUsage.rss() + (engine?.memory.rssBytes ?? 0)),
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
