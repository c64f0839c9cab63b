import { expect, it } from 'vitest';
import { completeManifest, ensureBasePolicy, getPolicy } from '@/db/policies/policies';
import { withTemporaryHome } from '../support';

withTemporaryHome();

it('a base policy that is there learns what its manifest lacks, and keeps what it says', async () => {
  const one = { pipeline: 'p', name: 'base', hash: 'h' };
  const made = await ensureBasePolicy({ ...one, manifest: { description: 'first' } });
  const again = await ensureBasePolicy({
    ...one,
    manifest: { description: 'second', schedule: 'as it is' },
  });
  expect(again).toEqual({ ...made, manifest: { description: 'first', schedule: 'as it is' } });
  await completeManifest(made.id, { schedule: 'otherwise', width: 64 });
  expect((await getPolicy(made.id)).manifest).toEqual({
    description: 'first',
    schedule: 'as it is',
    width: 64,
  });
  await expect(completeManifest('nobody', {})).rejects.toThrow('There is no policy nobody');
});
