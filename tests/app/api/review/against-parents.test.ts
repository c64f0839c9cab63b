import { expect, it } from 'vitest';
import { againstParents } from '@/app/reads/review/load-rates';
import { createPolicy, listPolicies } from '@/db/policies/policies';
import { evaluationsOf, recordEvaluation } from '@/db/rounds/metrics';
import { makeRun, withTemporaryHome } from '@/tests/db/support';
import { handsRates } from '@/tests/support/hands-verdict';

withTemporaryHome();

const against = async (pipeline: string) =>
  againstParents(await listPolicies(pipeline), await evaluationsOf());

const summaryOf = (deformed: number) => ({
  images: 10,
  ...handsRates({ count: deformed, n: 10 }, { count: 2, n: 10 }),
  alignment: 0.5,
  winRate: null,
  diversity: 0.3,
});

it('a version is held against its parent as its own round measured both, whatever others saw', async () => {
  const { round, base } = await makeRun();
  const { round: other } = await makeRun();
  const version = async (roundId: string) => {
    const id = crypto.randomUUID();
    const adapter = { adapterBlob: id, hash: id, manifest: {} };
    await createPolicy({ id, name: id, parentId: base.id, pipeline: 'hands', ...adapter, roundId });
    return id;
  };
  const measured = (roundId: string | null, policyId: string, deformed: number) =>
    recordEvaluation({
      roundId,
      policyId,
      comparedToPolicyId: null,
      summary: summaryOf(deformed),
    });
  const [mine, unmeasured] = [await version(round.id), await version(other.id)];
  await measured(round.id, mine, 1);
  await measured(round.id, base.id, 5);
  // Elsewhere, drawn otherwise.
  await measured(null, base.id, 9);
  await measured(other.id, base.id, 8);
  await measured(other.id, mine, 7);
  const found = await against('hands');
  expect(found.get(mine)).toEqual({ before: summaryOf(5), after: summaryOf(1) });
  expect(found.has(unmeasured)).toBe(false);
  expect(found.has(base.id)).toBe(false);
  expect((await against('another')).size).toBe(0);
});
