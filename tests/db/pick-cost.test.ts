import { afterEach, expect, it } from 'vitest';
import { db } from '@/db/client';
import { submitPreference } from '@/db/labeling/preferences';
import { labelProgress } from '@/db/labeling/progress';
import { leasePairs } from '@/db/leases/pair-leases';
import { cancelRun } from '@/db/rounds/runs';
import { fillAnswers, fillPairs } from '../support/fill-labels';
import { askedDuring } from '../support/statements';
import { makeLabelingRound, makePeople, withTemporaryHome } from './support';

withTemporaryHome();

const runIds: string[] = [];

afterEach(async () => {
  for (const id of runIds.splice(0)) await cancelRun(id, null);
});

async function labeling(...args: Parameters<typeof makeLabelingRound>) {
  const made = await makeLabelingRound(...args);
  runIds.push(made.run.id);
  return made;
}

/** An answer and the next pair, as the page asks for them. */
async function pick(annotatorId: string): Promise<void> {
  const leased = await leasePairs({ annotatorId });
  if (leased.state !== 'pairs') throw new Error(`no pair: ${leased.state}`);
  const now = Date.now();
  const { status } = await submitPreference({
    id: crypto.randomUUID(),
    leaseId: leased.pairs[0]!.leaseId,
    annotatorId,
    answer: 'left',
    shownAtMs: now - 900,
    decidedAtMs: now,
    guidelinesVersion: 1,
  });
  expect(status).toBe('accepted');
  await labelProgress(annotatorId, { dayStartMs: now - 1000 });
}

async function picksOf(annotatorId: string): Promise<string[]> {
  // The first pick makes the person's tallies.
  await pick(annotatorId);
  const { statements } = await askedDuring(() => pick(annotatorId));
  return statements.filter((sql) => !sql.startsWith('PRAGMA'));
}

/** How SQLite means to run a statement, a line for each table it looks into. */
function planOf(sql: string): string[] {
  const rows = db().$client.prepare(`explain query plan ${sql}`).raw(true);
  const places = (sql.match(/\?/g) ?? []).map(() => null);
  return (rows.all(...places) as [number, number, number, string][]).map(
    ([, , , detail]) => detail,
  );
}

it('takes the same statements with 50 and with 5,000 open pairs, with 1 and with 5,000 own answers', async () => {
  const [fresh, busy] = (await makePeople(2)) as [string, string];
  const { round } = await labeling({ pairs: 50, target: 2 });
  const few = await picksOf(fresh);
  await fillPairs(round, 5000, { target: 2 });
  await fillAnswers(round, busy, 5000);
  const many = await picksOf(busy);
  // A walk that meets the end of the index begins again at its start: whether it does is chance.
  const fromStart = (sql: string) => sql.includes('"pairs"."id" < ?');
  const others = (all: string[]) => all.filter((sql) => !fromStart(sql));
  expect(others(many)).toEqual(others(few));
  expect(many.filter(fromStart).length).toBeLessThanOrEqual(1);
  expect(others(many).length).toBeLessThanOrEqual(36);
});

it('looks nothing up without an index, and sorts nothing', async () => {
  const [ann] = (await makePeople(1)) as [string];
  await labeling({ pairs: 5, labeling: { goldShare: 0.5 } });
  const statements = await picksOf(ann);
  const reads = statements.filter((sql) => /^(select|insert|update|delete)/i.test(sql));
  expect(reads.length).toBeGreaterThan(15);
  const plans = reads.flatMap(planOf);
  expect(plans.filter((line) => /^SCAN (?!CONSTANT)|TEMP B-TREE/.test(line))).toEqual([]);
  expect(plans).toContain(
    'SEARCH pairs USING INDEX pairs_open (purpose=? AND round_id=? AND priority=? AND id>?)',
  );
});
