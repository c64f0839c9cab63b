import { expect, it } from 'vitest';
import { flagServed, listFlags } from '@/db/labeling/flags';
import { leasePairs } from '@/db/leases/pair-leases';
import { makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

it('are set on images that a person was shown, and on no others', async () => {
  const [ann, bob] = (await makePeople(2)) as [string, string];
  await makeLabelingRound({ pairs: 2 });
  const leased = await leasePairs({ annotatorId: ann });
  if (leased.state !== 'pairs') throw new Error(leased.state);
  const { left, right } = leased.pairs[0]!;
  for (const { sampleId } of [left, right]) {
    await flagServed({ sampleId, kind: 'hand', annotatorId: ann });
    const unseen = flagServed({ sampleId, kind: 'hand', annotatorId: bob });
    await expect(unseen).rejects.toMatchObject({ code: 'not-found' });
  }
  const unknown = flagServed({ sampleId: 'x', kind: 'hand', annotatorId: ann });
  await expect(unknown).rejects.toThrow('never shown a sample x');
  expect((await listFlags({})).map(({ flag }) => flag.annotatorId)).toEqual([ann, ann]);
});
