/**
 * @file One piece of work in a worker's hands: it says that it lives, hears whether to go on, keeps
 * the cursor.
 */
import {
  type Claim,
  type ClaimedWork,
  checkpointWork,
  type HeartbeatResult,
  heartbeatWork,
} from '@/db/work/queue';
import { AppError } from '@/lib/errors';
import type { RoundProgress } from '@/lib/rounds';
import type { RoundWorkKind, WorkKind } from '@/lib/work';

type Because = Extract<HeartbeatResult, { proceed: false }>['because'] | 'stopping';

/** Work has to be put down: paused, cancelled, taken over, or the process ends. No failure. */
export class Halt extends Error {
  override name = 'Halt';

  constructor(readonly because: Because) {
    super(`The work was put down: ${because}.`);
  }
}

/** So soon a pause or a cancel is heard. */
const heartbeatMs = 1000;

/** Of one kind, or of some; unless told, of those about a round. */
export class Assignment<Kind extends WorkKind = RoundWorkKind> {
  readonly kind: Kind;
  /** What it is about: a round and its run, a reward model, or the import of a pipeline. */
  readonly round: ClaimedWork<Kind>['round'];
  readonly run: ClaimedWork<Kind>['run'];
  readonly rewardModel: ClaimedWork<Kind>['rewardModel'];
  readonly pipelineImport: ClaimedWork<Kind>['pipelineImport'];
  readonly claim: Claim;
  readonly #halt = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  #cursor: unknown;

  constructor(
    { work, round, run, rewardModel, pipelineImport }: ClaimedWork<Kind>,
    workerId: string,
  ) {
    this.kind = work.kind as Kind;
    this.round = round;
    this.run = run;
    this.rewardModel = rewardModel;
    this.pipelineImport = pipelineImport;
    this.claim = { workId: work.id, workerId };
    this.#cursor = work.cursor;
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
  }

  /** Aborted with a Halt when the work has to be put down. */
  get signal(): AbortSignal {
    return this.#halt.signal;
  }

  /** Why the work has to be put down, if it has. */
  get haltedBecause(): Because | undefined {
    return this.signal.aborted ? (this.signal.reason as Halt).because : undefined;
  }

  /** Where to go on; null at the start. */
  get cursor(): unknown {
    return this.#cursor;
  }

  /** The id of what it is about. */
  get aboutId(): string {
    return (this.round ?? this.rewardModel ?? this.pipelineImport)!.id;
  }

  halt(because: Because): void {
    if (!this.signal.aborted) this.#halt.abort(new Halt(because));
  }

  /** Stores where to go on after a crash. Everything the cursor counts must be on disk already. */
  async checkpoint(cursor: unknown, progress?: Partial<RoundProgress>): Promise<void> {
    await checkpointWork({ ...this.claim, cursor, progress });
    this.#cursor = cursor;
  }

  /** Reports the work as done. Afterwards it is nobody's, which must not look like a takeover. */
  async complete(finish: (claim: Claim) => Promise<void>): Promise<void> {
    this.end();
    await finish(this.claim);
  }

  /** No more heartbeats. */
  end(): void {
    clearInterval(this.#heartbeat);
  }

  async #beat(): Promise<void> {
    const result = await heartbeatWork(this.claim).catch((thrown: unknown) => {
      // A busy database or a full disk may be over at the next beat; without one the work is taken
      // over.
      if (thrown instanceof AppError) return { proceed: true } as const;
      throw thrown;
    });
    if (!result.proceed) this.halt(result.because);
  }
}
