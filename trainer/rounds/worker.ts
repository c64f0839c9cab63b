/** @file The trainer's loop: claim work, do it, report what became of it. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { newId } from '@/db/ids';
import {
  claimRewardModel,
  failRewardModel,
  finishRewardModel,
  type RewardModel,
  releaseRewardModel,
} from '@/db/reward-models';
import { type ClaimedWork, claimWork, failWork, releaseWork } from '@/db/work';
import { heartbeatWorker, listWorkers, registerWorker, removeWorker } from '@/db/workers';
import { AppError } from '@/lib/errors';
import type { WorkKind } from '@/lib/rounds';
import { Engine } from '@/trainer/runtime/engine';
import { Assignment, Halt } from './assignment';
import { dropCheckpoints } from './checkpoint';
import type { ChosenDevice } from './device';
import { evaluateRound } from './evaluate';
import { explainFailure, mayPass } from './failure';
import { makeRewardModel } from './reward-model-work';
import { sampleRound } from './sample';
import { trainRound } from './train';

const performers: Record<WorkKind, (assignment: Assignment, engine: Engine) => Promise<void>> = {
  sample: sampleRound,
  train: trainRound,
  evaluate: evaluateRound,
};

const pollMs = 500;
const heartbeatMs = 5000;
/** How often a batch is tried again after the engine died or the database was busy: as often as a trainer that died. */
const retriesMax = 4;
const retryPauseMs = 1000;

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
    try {
      while (!this.#stopping.signal.aborted) {
        // Seconds of work, for which somebody is waiting at the page: before rounds, which take minutes.
        const model = await this.#claim(() => claimRewardModel(this.#id));
        if (model) {
          await this.#make(model);
          continue;
        }
        const claimed = await this.#claim(() => claimWork({ workerId: this.#id }));
        if (claimed) await this.#execute(claimed);
        else await this.#pause(pollMs);
      }
    } finally {
      clearInterval(heartbeat);
      await removeWorker(this.#id);
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

  async #claim<Claimed>(claim: () => Promise<Claimed | null>): Promise<Claimed | null> {
    try {
      return await claim();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // Busy or full: nothing was claimed, and nothing is lost by asking again.
      this.log.warn({ error }, 'could not look for work');
      return null;
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
      await this.#persist((engine) => this.#perform(assignment, engine), {
        signal: assignment.signal,
        log,
        checkpoints: () => assignment.checkpoints,
      });
      log.info({ seconds: (performance.now() - startedAt) / 1000 }, 'done');
    } catch (thrown) {
      await this.#report(assignment, thrown, log);
    } finally {
      assignment.end();
      this.#current = undefined;
    }
  }

  #perform(assignment: Assignment, engine: Engine): Promise<void> {
    if (this.#current) this.#current.engine = engine;
    return performers[assignment.kind](assignment, engine);
  }

  /** A reward model is made within seconds: interrupted, it is made from the start, to the same result. */
  async #make(model: RewardModel): Promise<void> {
    const log = this.log.child({ rewardModel: model.id });
    const claim = { id: model.id, workerId: this.#id };
    log.info('making a reward model');
    const { signal } = this.#stopping;
    const make = async (engine: Engine) => {
      const stop = () => engine.close();
      signal.addEventListener('abort', stop);
      try {
        return await makeRewardModel(model, engine);
      } finally {
        signal.removeEventListener('abort', stop);
      }
    };
    try {
      const made = await this.#persist(make, { signal, log });
      await finishRewardModel({ ...claim, made });
      log.info('done');
    } catch (thrown) {
      if (isLost(thrown)) return;
      if (signal.aborted) return await releaseRewardModel(claim);
      log.error({ error: thrown }, 'failed');
      await this.#insist(() => failRewardModel({ ...claim, error: explainFailure(thrown) }), log);
    }
  }

  /**
   * Works in an engine; after what may pass (an engine may die while it is being opened, too) it does so again in a new
   * one, until it has failed so often without a checkpoint in between.
   */
  async #persist<Made>(
    work: (engine: Engine) => Promise<Made>,
    context: { signal: AbortSignal; log: Logger; checkpoints?: () => number },
  ): Promise<Made> {
    const { signal, log, checkpoints = () => 0 } = context;
    let failures = 0;
    for (;;) {
      const before = checkpoints();
      let engine: Engine | undefined;
      try {
        signal.throwIfAborted();
        engine = await Engine.open({ device: this.device.device });
        signal.throwIfAborted();
        return await work(engine);
      } catch (thrown) {
        if (signal.aborted || !mayPass(thrown)) throw thrown;
        failures = checkpoints() > before ? 1 : failures + 1;
        if (failures > retriesMax) throw thrown;
        log.warn({ error: thrown, failures }, 'going on from the last checkpoint');
        await this.#pause(retryPauseMs);
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
      if (because === 'cancelled') await dropCheckpoints(assignment.round.id);
    } else if (because) {
      log.info({ because }, 'put back');
      await this.#insist(() => releaseWork(claim), log);
    } else {
      log.error({ error: thrown }, 'failed');
      await this.#insist(() => failWork({ ...claim, error: explainFailure(thrown) }), log);
    }
  }

  /** A full disk or a busy database must not keep a round from hearing what became of it. */
  async #insist(tell: () => Promise<void>, log: Logger): Promise<void> {
    for (;;) {
      try {
        return await tell();
      } catch (thrown) {
        if (isLost(thrown)) return;
        log.warn({ error: thrown }, 'could not be reported yet');
        if (this.#stopping.signal.aborted) return;
        await this.#pause(retryPauseMs);
      }
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

  /** Waits; a stop ends the wait. */
  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }
}

function isLost(thrown: unknown): boolean {
  if (thrown instanceof Halt) return thrown.because === 'lost';
  return thrown instanceof AppError && thrown.code === 'work-lost';
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
