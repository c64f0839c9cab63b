import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { db } from '@/db/client';
import { getRound } from '@/db/rounds/rounds';
import { pairs, preferences } from '@/db/schema/labels';
import type { Acknowledged } from '../labeling-process';
import { makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

const script = fileURLToPath(new URL('../labeling-process.ts', import.meta.url));
const run = promisify(execFile);

async function labelInProcess(annotators: readonly string[]): Promise<Acknowledged[]> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', script, JSON.stringify(annotators)],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  return JSON.parse(stdout);
}

it('holds with fifty annotators in five processes on one database file', async () => {
  const annotators = await makePeople(50);
  const target = 3;
  const { round, pairIds } = await makeLabelingRound({
    pairs: 12,
    target,
    labeling: { undoWindowSeconds: 3600, leaseSeconds: 3600 },
  });
  const shares = [0, 1, 2, 3, 4].map((i) => annotators.slice(10 * i, 10 * i + 10));
  const acknowledged = (await Promise.all(shares.map(labelInProcess))).flat();

  const rows = db()
    .select({ preference: preferences })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(eq(pairs.roundId, round.id))
    .all();
  const told = new Map(acknowledged.map((entry) => [entry.preferenceId, entry]));
  expect(told.size).toBe(acknowledged.length);
  expect(rows.length).toBe(told.size);
  for (const { preference } of rows) {
    const entry = told.get(preference.id)!;
    expect(preference).toMatchObject({ pairId: entry.pairId, annotatorId: entry.annotatorId });
    expect(preference.supersededAt !== null).toBe(entry.undone);
  }
  const standing = rows.filter(({ preference }) => preference.supersededAt === null);
  for (const pairId of pairIds) {
    const answers = standing.filter(({ preference }) => preference.pairId === pairId);
    expect(answers.length).toBeLessThanOrEqual(target);
  }
  // Whoever stops last finds nothing left to judge, so every pair has all its answers.
  expect(standing.length).toBe(target * pairIds.length);
  expect((await getRound(round.id)).progress.labeled).toBe(standing.length);
});
