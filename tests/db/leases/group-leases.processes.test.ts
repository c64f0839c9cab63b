import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { db } from '@/db/client';
import { getRound } from '@/db/rounds/rounds';
import { groups, taggings } from '@/db/schema/labels';
import { makeGroupRound, makePeople, withTemporaryHome } from '../support';
import type { AcknowledgedReading } from '../tagging-process';

withTemporaryHome();

const script = fileURLToPath(new URL('../tagging-process.ts', import.meta.url));
const run = promisify(execFile);

async function tagInProcess(annotators: readonly string[]): Promise<AcknowledgedReading[]> {
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', script, JSON.stringify(annotators)],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  return JSON.parse(stdout);
}

it('holds with twenty annotators in four processes on one database file', async () => {
  const annotators = await makePeople(20);
  const target = 2;
  const { round, groupIds } = await makeGroupRound({
    groups: 10,
    target,
    labeling: { undoWindowSeconds: 3600, leaseSeconds: 3600 },
  });
  const shares = [0, 1, 2, 3].map((i) => annotators.slice(5 * i, 5 * i + 5));
  const acknowledged = (await Promise.all(shares.map(tagInProcess))).flat();

  const rows = db()
    .select({ tagging: taggings })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .where(eq(groups.roundId, round.id))
    .all()
    .map(({ tagging }) => tagging);
  const told = new Map(acknowledged.map((entry) => [entry.taggingId, entry]));
  expect(told.size).toBe(acknowledged.length);
  expect(rows.length).toBe(told.size);
  for (const row of rows) {
    const { groupId, annotatorId, tagged, undone } = told.get(row.id)!;
    expect(row).toMatchObject({ groupId, annotatorId, taggedSampleIds: tagged });
    expect(row.supersededAt !== null).toBe(undone);
  }
  const standing = rows.filter(({ supersededAt }) => supersededAt === null);
  for (const groupId of groupIds) {
    expect(standing.filter((row) => row.groupId === groupId)).toHaveLength(target);
  }
  expect((await getRound(round.id)).progress.labeled).toBe(standing.length);
});
