import { eq } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { servingAlias } from '@/lib/policies';
import { recordAudit } from '../audit';
import { recordEvent } from '../events';
import { aliases, policies } from '../schema/policies';
import { change, immediate, one, type Steps, type Transaction } from '../transaction';
import { type Policy, policyIn } from './policies';

/** Within a decision: the policy served for a pipeline. Throws 'not-found' before the first. */
export function* servingIn(tx: Transaction, pipeline: string): Steps<Policy> {
  const row = yield* one(
    tx
      .select({ policy: policies })
      .from(aliases)
      .innerJoin(policies, eq(policies.id, aliases.policyId))
      .where(eq(aliases.name, servingAlias(pipeline))),
  );
  if (!row) {
    throw new AppError(
      'not-found',
      `No policy is served for the pipeline ${pipeline}. Start the trainer once, or serve one.`,
    );
  }
  return row.policy;
}

export type Served = Pick<typeof aliases.$inferSelect, 'policyId' | 'setBy' | 'setAt'>;

/**
 * Within a decision: what is served for a pipeline, since when, and who chose it (null: a rule).
 * Throws 'not-found' before the first.
 */
export function* servedIn(tx: Transaction, pipeline: string): Steps<Served> {
  const { id } = yield* servingIn(tx, pipeline);
  const name = servingAlias(pipeline);
  const row = yield* one(tx.select().from(aliases).where(eq(aliases.name, name)));
  return row ?? { policyId: id, setBy: null, setAt: 0 };
}

/** Within a decision: moves the serving alias. `setBy` null: by a run's serving rule. */
export function* serveIn(
  tx: Transaction,
  policyId: string,
  setBy: string | null,
  now: number,
): Steps<void> {
  const policy = yield* policyIn(tx, policyId);
  const name = servingAlias(policy.pipeline);
  const before = yield* one(tx.select().from(aliases).where(eq(aliases.name, name)));
  if (before?.policyId === policyId) return;
  const moved = { policyId, setBy, setAt: now };
  yield* change(
    tx
      .insert(aliases)
      .values({ name, ...moved })
      .onConflictDoUpdate({ target: aliases.name, set: moved }),
  );
  yield* recordAudit(tx, {
    actorId: setBy,
    action: 'policy.serve',
    subject: policyId,
    detail: { before: before?.policyId ?? null },
  });
  yield* recordEvent(tx, {
    kind: 'serving',
    payload: { alias: name, policyId },
    roundId: policy.roundId,
  });
}

/**
 * Serves a policy of its own pipeline from the next round on. Rolling back is serving an earlier
 * one: nothing is deleted, and a round under way ends with the policy it began with.
 */
export async function setServing(policyId: string, setBy: string | null): Promise<void> {
  await immediate((tx) => serveIn(tx, policyId, setBy, Date.now()));
}
