/**
 * @file One loop of a worker: claim work, do it in an engine of its own, report what became of it.
 */
import type { Logger } from 'pino';
import { type ClaimedWork, claimWork, failWork, releaseWork } from '@/db/work/queue';
import type { WorkKind } from '@/lib/work';
import { Engine } from '@/trainer/runtime/engine';
import { preparedSettings } from '../pipelines/machine';
import { Assignment } from './assignment';
import type { ChosenDevice } from './device';
import { explainFailure, mayPass } from './failure';
import { forget, performers } from './kinds';
import { insist, isLost, lookForWork, pause, pollMs, retryPauseMs } from './waiting';

export class WorkLoop {
  #current: { assignment: Assignment<WorkKind>; engine: Engine | undefined } | undefined;

  constructor(
    private readonly workerId: string,
    private readonly kinds: readonly WorkKind[],
    private readonly device: ChosenDevice,
    private readonly log: Logger,
  ) {}

  /** Works until `stopping`; then what it holds is put down at once. */
  async run(stopping: AbortSignal): Promise<void> {
    const stop = () => this.#current?.assignment.halt('stopping');
    stopping.addEventListener('abort', stop);
    try {
      while (!stopping.aborted) {
        const { workerId, kinds } = this;
        const claimed = await lookForWork(() => claimWork({ workerId, kinds }), this.log);
        if (claimed) await this.#execute(claimed, stopping);
        else await pause(pollMs, stopping);
      }
    } finally {
      stopping.removeEventListener('abort', stop);
    }
  }

  /** What it is at, and the memory that its engine takes, bytes. */
  get current(): { work: { kind: WorkKind; id: string } | null; rssBytes: number } {
    const { assignment, engine } = this.#current ?? {};
    return {
      work: assignment ? { kind: assignment.kind, id: assignment.aboutId } : null,
      rssBytes: engine?.memory.rssBytes ?? 0,
    };
  }

  async #execute(claimed: ClaimedWork, stopping: AbortSignal): Promise<void> {
    const assignment = new Assignment<WorkKind>(claimed, this.workerId);
    const { kind, aboutId } = assignment;
    const log = this.log.child({ kind, about: aboutId });
    this.#current = { assignment, engine: undefined };
    if (stopping.aborted) assignment.halt('stopping');
    assignment.signal.addEventListener('abort', () => {
      // A pause waits for the batch under way, so that its checkpoint can be read from the engine.
      if (assignment.haltedBecause !== 'paused') this.#current?.engine?.close();
    });
    const startedAt = performance.now();
    log.info({ cursor: assignment.cursor }, 'started');
    try {
      await this.#perform(assignment);
      log.info({ seconds: (performance.now() - startedAt) / 1000 }, 'done');
    } catch (thrown) {
      await this.#report(assignment, thrown, stopping, log);
    } finally {
      assignment.end();
      this.#current = undefined;
    }
  }

  async #perform(assignment: Assignment<WorkKind>): Promise<void> {
    let engine: Engine | undefined;
    try {
      assignment.signal.throwIfAborted();
      engine = await Engine.open({
        device: this.device.device,
        prepared: preparedSettings(),
      });
      assignment.signal.throwIfAborted();
      if (this.#current) this.#current.engine = engine;
      const perform = performers[assignment.kind]! as (
        assignment: Assignment<WorkKind>,
        engine: Engine,
      ) => Promise<void>;
      await perform(assignment, engine);
    } finally {
      await engine?.close();
    }
  }

  /**
   * Tells the queue what became of work that is not done; what may pass is tried again, as often as
   * its kind may be.
   */
  async #report(
    assignment: Assignment<WorkKind>,
    thrown: unknown,
    stopping: AbortSignal,
    log: Logger,
  ): Promise<void> {
    const because = assignment.haltedBecause ?? (isLost(thrown) ? 'lost' : undefined);
    const { claim } = assignment;
    if (because === 'lost' || because === 'cancelled') {
      log.info({ because }, 'dropped');
      if (because === 'cancelled') await forget(assignment);
    } else if (because) {
      log.info({ because }, 'put back');
      await insist(() => releaseWork(claim), stopping, log);
    } else if (mayPass(thrown)) {
      log.warn({ error: thrown }, 'going on from the last checkpoint');
      await insist(() => releaseWork({ ...claim, error: explainFailure(thrown) }), stopping, log);
      assignment.end();
      await pause(retryPauseMs, stopping);
    } else {
      log.error({ error: thrown }, 'failed');
      await insist(() => failWork({ ...claim, error: explainFailure(thrown) }), stopping, log);
    }
  }
}
