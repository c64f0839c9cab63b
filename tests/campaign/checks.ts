/** @file What must be true after all that, as sentences about what is not. */
import { count, eq } from 'drizzle-orm';
import { db, schema } from '@/db/client';
import { getRound } from '@/db/rounds/rounds';
import type { Ledger } from './people';

/** Empty where everything holds. */
export async function brokenPromises(roundId: string, ledger: Ledger): Promise<string[]> {
  const broken: string[] = [];
  const demand = (holds: boolean, otherwise: string) => {
    if (!holds) broken.push(otherwise);
  };

  const stored = db().select().from(schema.preferences).all();
  const byId = new Map(stored.map((row) => [row.id, row]));
  for (const [id, { answer, outcome }] of ledger) {
    const row = byId.get(id);
    if (outcome === 'counted') {
      demand(row !== undefined, `pick ${id} was acknowledged and is not stored`);
      demand(row === undefined || row.answer === answer, `pick ${id} is stored as ${row?.answer}`);
      demand(row === undefined || row.supersededAt === null, `pick ${id} was taken back by nobody`);
    }
  }
  for (const { id } of stored) demand(ledger.has(id), `pick ${id} is stored and was never sent`);
  const twice = new Set<string>();
  for (const { pairId, annotatorId } of stored) {
    const key = `${pairId} ${annotatorId}`;
    demand(!twice.has(key), `a person's pick of pair ${pairId} is stored twice`);
    twice.add(key);
  }

  const round = await getRound(roundId);
  demand(
    round.state === 'done',
    `the round is ${round.state}: ${round.error ?? 'without an error'}`,
  );
  demand(round.resultPolicyId !== null, 'the round has no policy');
  const { pairsPerRound } = round.config.sampling;
  const ofRound = eq(schema.pairs.roundId, roundId);
  const pairs = db().select({ n: count() }).from(schema.pairs).where(ofRound).get()?.n;
  demand(pairs === pairsPerRound, `there are ${pairs} pairs of ${pairsPerRound}`);
  const { trainedSteps, trainSteps } = round.progress;
  demand(trainedSteps === trainSteps, `${trainedSteps} of ${trainSteps} steps were trained`);
  const retries = db()
    .select()
    .from(schema.auditLog)
    .where(eq(schema.auditLog.action, 'round.retry'))
    .all();
  demand(retries.length === 0, 'somebody retried the round');
  const integrity = db().$client.pragma('integrity_check', { simple: true });
  demand(integrity === 'ok', `the database is damaged: ${integrity}`);
  return broken;
}
