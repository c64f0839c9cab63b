import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { folderOf } from '@/db/policies/pipeline-folders';
import { listPolicies } from '@/db/policies/policies';
import { linkedFolder } from '@/tests/support/linked-folder';
import { decodePng } from '@/trainer/diffusion/images/png';
import { handsFolder, openNewest } from '@/trainer/rounds/pipelines/resolve';
import { withImports } from './support';

const importing = withImports();

it('registers a pipeline with what it found, draws an image, and finds it where it has moved', async () => {
  const folder = await linkedFolder(importing.tiny, join(importing.parent, 'My model'));
  const first = await importing.run(folder, {});
  expect(first).toMatchObject({ state: 'ready', error: null });
  const [base, ...others] = await listPolicies();
  expect(others).toEqual([]);
  expect(base).toMatchObject({ id: first.policyId, name: 'My-model', pipeline: 'My-model' });
  const { found, ...manifest } = base!.manifest;
  expect(manifest).toMatchObject({ width: 32, height: 32, suggestedRunName: 'My-model' });
  expect(found).toMatchObject({
    family: 'ORTStableDiffusionPipeline',
    width: 32,
    height: 32,
    adapterSites: { attention: 32, 'attention-ff-conv': expect.any(Number) },
  });
  expect(found?.parts.map(({ name }) => name)).toEqual([
    'text_encoder',
    'unet',
    'vae_decoder',
    'vae_encoder',
  ]);
  const image = decodePng(await getBlob(first.imageBlob!), 'The image');
  expect([image.width, image.height]).toEqual([32, 32]);
  expect(new Set(image.data).size).toBeGreaterThan(10);
  expect((await openNewest('My-model')).hash).toBe(base!.hash);

  // Moved: only the place is new.
  const moved = join(importing.parent, 'moved');
  await rename(folder, moved);
  await expect(openNewest('My-model')).rejects.toThrow(
    `is not where it was: ${join(folder, 'model_index.json')}`,
  );
  const again = await importing.run(moved, {});
  expect(again).toMatchObject({ state: 'ready', policyId: base!.id, found });
  expect((await openNewest('My-model')).pipeline.folder).toBe(moved);
  expect(await listPolicies()).toEqual([base]);
});

it('knows names by their files: says what others have, and takes them up only when told to', async () => {
  const { tiny, parent, run } = importing;
  const [base] = await listPolicies();
  const short = base!.hash.slice(0, 12);
  await expect(run(tiny, { name: 'other' })).rejects.toThrow(
    `The files in ${tiny} (hash ${short}) are those of the pipeline "My-model". To say that it lies there now, leave --name out`,
  );
  const changed = await linkedFolder(tiny, join(parent, 'changed'), {
    'tokenizer/note.txt': 'another',
  });
  await expect(run(changed, { name: 'My-model' })).rejects.toThrow(
    new RegExp(
      `The files in ${changed} .+ are not those of the pipeline "My-model" \\(hash ${short}\\): they have changed`,
    ),
  );
  await expect(run(changed, { name: 'hands' })).rejects.toThrow('belongs to the built-in pipeline');
  await expect(run(changed, { name: '../up' })).rejects.toThrow('"../up" cannot be the name');
  expect(await listPolicies()).toEqual([base]);
  expect(folderOf({ pipeline: 'My-model', hash: base!.hash }, handsFolder)).toBe(
    join(parent, 'moved'),
  );

  const added = await run(changed, { name: 'My-model', add: true });
  const [, newest] = await listPolicies();
  expect(newest).toMatchObject({ id: added.policyId, pipeline: 'My-model', parentId: null });
  expect((await openNewest('My-model')).pipeline.folder).toBe(changed);
});

it('measures at the sizes asked for, and says what cannot be done at one', async () => {
  const [own, other] = [
    { width: 32, height: 32 },
    { width: 32, height: 64 },
  ];
  const { found } = await importing.run(importing.tiny, {
    measure: 'drawing',
    sizes: [own, other],
  });
  const [first, second] = found!.measured.sizes;
  expect(first).toMatchObject({ ...own, methods: [], drawing: { problem: null } });
  expect(first!.drawing.seconds).toBeGreaterThan(0);
  expect(first!.drawing.peakBytes).toBeGreaterThan(2 ** 24);
  expect(second!.drawing).toEqual({
    of: '',
    seconds: null,
    peakBytes: null,
    problem: expect.stringMatching(/"sample" takes .+\[batch_size,4,8,8\], but is fed/),
  });
});

it('goes on where it was put down: what a stage has found is not sought again', async () => {
  const { engine, parent, tiny } = importing;
  const folder = await linkedFolder(tiny, join(parent, 'resumed'), { 'b.txt': 'new' });
  await importing.putDownAt('image', folder);
  const before = await listPolicies();
  const load = vi.spyOn(engine, 'load');
  const again = await importing.run(folder);
  const loaded = load.mock.calls.map(([, { name }]) => name);
  load.mockRestore();
  expect(again).toMatchObject({ state: 'ready', found: { adapterSites: { attention: 32 } } });
  expect(await listPolicies()).toHaveLength(before.length + 1);
  expect(loaded).toContain('denoiser');
  expect(loaded).not.toContain('adapter gradients');
  expect(loaded).not.toContain('image encoder');
});

it('reads for a page nothing outside of the root that the administrator names', async () => {
  const { parent, run } = importing;
  const root = join(parent, 'root');
  await mkdir(root);
  process.env.DARKROOM_MODELS = root;
  const linked = await linkedFolder(importing.tiny, join(root, 'linked'), { 'a.txt': 'new' });
  await expect(run(linked, {}, 'annotator')).rejects.toThrow(
    `${join(linked, 'model_index.json')} lies outside of ${root}, from which pages may import models.`,
  );
  delete process.env.DARKROOM_MODELS;
  await expect(run(linked, { name: 'x' }, 'annotator')).rejects.toThrow(
    'Start Darkroom with DARKROOM_MODELS=',
  );
});
