import { eq } from 'drizzle-orm';
import { beforeAll, describe, expect, it } from 'vitest';
import { db, schema } from '@/db/client';
import { type ExportChoice, exportPreferences } from '@/db/exchange/exports';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { pausePerson } from '@/db/people/users';
import { answers } from '@/lib/answers';
import { type PickAPicRow, toLine } from '@/lib/exchange/pick-a-pic';
import { makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

async function exported(choice: ExportChoice = {}): Promise<PickAPicRow[]> {
  const rows: PickAPicRow[] = [];
  for await (const row of exportPreferences(choice)) rows.push(row);
  return rows;
}

let roundId: string;
let [ann, bob] = ['', ''];

/** Ann and Bob answer four pairs, of which the first is gold; then Bob is held back. */
beforeAll(async () => {
  [ann, bob] = (await makePeople(2)) as [string, string];
  const { round } = await makeLabelingRound({ pairs: 4, target: 2 });
  roundId = round.id;
  for (const annotatorId of [ann, bob]) {
    for (const answer of answers) {
      const leased = await leasePairs({ annotatorId });
      if (leased.state !== 'pairs') throw new Error(leased.state);
      await submitPreference({
        id: crypto.randomUUID(),
        leaseId: leased.pairs[0]!.leaseId,
        annotatorId,
        answer,
        shownAtMs: 1000,
        decidedAtMs: 1800,
        guidelinesVersion: null,
      });
    }
  }
  // Gold pairs are served now and then only: one that was answered becomes one.
  const { id, sampleAId } = db().select().from(schema.pairs).get()!;
  const purpose = 'gold' as const;
  const gold = { purpose, goldSampleId: sampleAId };
  db().update(schema.pairs).set(gold).where(eq(schema.pairs.id, id)).run();
  db().update(schema.preferences).set({ purpose }).where(eq(schema.preferences.pairId, id)).run();
  await pausePerson(bob, null);
});

describe('an export', () => {
  it('leaves out answers to gold pairs and of people who are held back', async () => {
    const rows = await exported();
    expect(rows).toHaveLength(3);
    expect(new Set(rows.map(({ purpose, held_back }) => `${purpose} ${held_back}`))).toEqual(
      new Set(['training false']),
    );
    expect(new Set(rows.map(({ user_id }) => user_id)).size).toBe(1);
    // Counted are the answers that are there.
    for (const { caption, num_example_per_prompt } of rows) {
      const same = rows.filter((row) => row.caption === caption);
      expect(num_example_per_prompt).toBe(same.length);
    }
  });

  it('has them when asked, and marks them', async () => {
    const counts = async (choice: ExportChoice) => {
      const rows = await exported(choice);
      return {
        all: rows.length,
        gold: rows.filter(({ purpose }) => purpose === 'gold').length,
        heldBack: rows.filter(({ held_back }) => held_back).length,
      };
    };
    expect(await counts({ gold: true })).toEqual({ all: 4, gold: 1, heldBack: 0 });
    expect(await counts({ heldBack: true })).toEqual({ all: 6, gold: 0, heldBack: 3 });
    expect(await counts({ gold: true, heldBack: true, roundId })).toEqual({
      all: 8,
      gold: 2,
      heldBack: 4,
    });
    expect(await counts({ roundId: 'none' })).toEqual({ all: 0, gold: 0, heldBack: 0 });
  });

  it('has Pick-a-Pic’s types whatever was answered', async () => {
    const rows = await exported({ gold: true });
    expect(new Set(rows.map(({ answer }) => answer))).toEqual(new Set(answers));
    for (const row of rows) {
      const line = toLine({ ...row });
      expect(JSON.parse(line)).toEqual(row);
      expect(line).toMatch(/"label_0":[01]\.[05],"label_1":[01]\.[05],/);
      for (const column of [
        'ranking_id',
        'user_id',
        'num_example_per_prompt',
        'decision_ms',
        'created_at_ms',
      ] as const) {
        expect(Number.isSafeInteger(row[column])).toBe(true);
        expect(line).toMatch(new RegExp(`"${column}":\\d+[,}]`));
      }
      // With a fraction in some rows only, readers would take the column for text in one file and
      // for times in another.
      expect(row.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(Math.abs(Date.parse(row.created_at) - row.created_at_ms)).toBeLessThan(1000);
      expect(Object.values(row).every((value) => value !== null && value !== undefined)).toBe(true);
    }
    expect(new Set(rows.map(({ ranking_id }) => ranking_id)).size).toBe(rows.length);
  });
});
