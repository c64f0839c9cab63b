import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderOf } from '@/db/policies/pipeline-folders';
import { getPolicy, listPolicies } from '@/db/policies/policies';
import { builtInImport } from '@/lib/pipeline-imports';
import { linkedFolder } from '@/tests/support/linked-folder';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { judgeOf } from '@/trainer/rounds/evaluate/judging';
import { openNewest } from '@/trainer/rounds/pipelines/resolve';
import { withImports } from './support';

const importing = withImports();

it('makes the flow twin of hands in the data folder, with the judge and prompts of hands, once', async () => {
  const { folder, options } = builtInImport('hands-flow');
  const done = await importing.run(folder, { ...options, measure: 'none' }, 'annotator');
  expect(done).toMatchObject({ state: 'ready', error: null });
  const base = await getPolicy(done.policyId!);
  const { manifest } = await handsPolicy();
  expect(base).toMatchObject({
    name: 'hands-flow',
    manifest: {
      judge: manifest.judge,
      suggestedPrompts: manifest.suggestedPrompts,
      suggestedPreset: 'hands',
      found: { width: 64, height: 64, drawable: null },
    },
  });
  const { presets } = base.manifest;
  expect(Object.keys(presets!)).toEqual(Object.keys(manifest.presets));
  expect(presets!.hands!.departures.sampling?.eta?.value).toBe(0.7);
  // Methods that follow a reward's gradient draw without noise, here as there.
  expect(presets!['hands-reward']!.departures.sampling?.eta?.value).toBe(0);

  const { pipeline } = await openNewest('hands-flow');
  expect(pipeline.scheduler.process).toBe('flow');
  expect(pipeline.folder.startsWith(join(importing.home, 'pipelines'))).toBe(true);
  expect((await judgeOf('hands-flow', importing.engine))?.name).toBe(
    (await judgeOf('hands', importing.engine))?.name,
  );

  const written = (await stat(join(pipeline.folder, 'unet/model.onnx'))).mtimeMs;
  const again = await importing.run(folder, options, 'annotator');
  expect(again.policyId).toBe(base.id);
  expect((await stat(join(pipeline.folder, 'unet/model.onnx'))).mtimeMs).toBe(written);
  expect(await listPolicies()).toHaveLength(1);
});

it('keeps its name from files of others, and says how it is made again', async () => {
  const folder = await linkedFolder(importing.tiny, join(importing.parent, 'other'));
  await expect(importing.run(folder, { name: 'hands-flow', add: true })).rejects.toThrow(
    'The name hands-flow belongs to the built-in pipeline',
  );
  expect(() => folderOf({ pipeline: 'hands-flow', hash: 'gone' }, '')).toThrow(
    'npm run policy:import -- hands-flow',
  );
});
