import { expect, it } from 'vitest';
import { declaredBy, declaredJudge, declaredJudges } from '@/db/policies/declared';
import { completeManifest, ensureBasePolicy, getPolicy } from '@/db/policies/policies';
import type { PolicyManifest } from '@/lib/policies';
import { handsJudge } from '@/trainer/hands/judge/declaration';
import { handsPresets } from '@/trainer/hands/presets';
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
  const declared = { judge: handsJudge, presets: handsPresets };
  const { hands } = handsPresets;
  await ensureBasePolicy({ ...one, manifest: { ...declared, presets: { former: hands } } });
  // What it declares is as it is declared now.
  const { manifest } = await ensureBasePolicy({ ...one, manifest: declared });
  expect(manifest).toEqual({ ...again.manifest, ...declared });
  expect(await declaredJudge('p')).toEqual(handsJudge);
  expect(await declaredBy('p')).toEqual(declared);
  expect(await declaredBy('another')).toEqual({ judge: null, presets: undefined });
  expect(await declaredJudge('another')).toBeNull();
  expect([...(await declaredJudges()).keys()]).toEqual(['p']);
  await completeManifest(made.id, { schedule: 'otherwise', width: 64 });
  expect((await getPolicy(made.id)).manifest).toEqual({
    ...declared,
    description: 'first',
    schedule: 'as it is',
    width: 64,
  });
  await expect(completeManifest('nobody', {})).rejects.toThrow('There is no policy nobody');
});

it('refuses a judge that cannot be, and names what is wrong with it', async () => {
  const one = { pipeline: 'q', name: 'base', hash: 'h' };
  const [deformed] = handsJudge.measures;
  const made = (measures: unknown) =>
    ensureBasePolicy({ ...one, manifest: { judge: { measures } } as PolicyManifest });
  await expect(made([deformed, deformed])).rejects.toThrow(/q says.+judge.measures.+same id/);
  await expect(made([{ ...deformed, id: 'diversity' }])).rejects.toThrow(
    /measures.0.id: diversity/,
  );
  await expect(made([{ ...deformed, id: 'Two words' }])).rejects.toThrow(/lower case/);
  await expect(made([{ ...deformed, countsAs: 'artifact' }])).rejects.toThrow(/countsAs/);
  await expect(made([])).rejects.toThrow(/measures something/);
});
