import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { isPointedTo } from '@/db/blobs/references';
import { listLoraFiles } from '@/db/policies/models-root';
import { folderOf } from '@/db/policies/pipeline-folders';
import { getPolicy, listPolicies } from '@/db/policies/policies';
import { adapterFor } from '@/lib/exchange/adapter-file';
import { familyFolder } from '@/tests/support/family-pipelines';
import { linkedFolder } from '@/tests/support/linked-folder';
import { decodePng } from '@/trainer/diffusion/images/png';
import { handsFolder, openNewest } from '@/trainer/rounds/pipelines/resolve';
import { serializePolicy, startingTensors } from '@/trainer/rounds/train/policy-file';
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

it('takes up a LoRA file for a base policy, from under the root where a page asks', async () => {
  const { parent, run } = importing;
  const [base] = await listPolicies();
  const root = join(parent, 'loras');
  await mkdir(join(root, 'made elsewhere'), { recursive: true });
  const file = join(root, 'made elsewhere/detail.safetensors');
  const { pipeline } = await openNewest(base!.pipeline);
  const kind = { trainables: 'attention', loraRank: 2, loraAlpha: 2 } as const;
  const tensors = startingTensors(pipeline.denoiser.graph, kind, null, [1]);
  await writeFile(file, adapterFor('kohya', serializePolicy({ kind, pipelineHash: '', tensors })));
  process.env.DARKROOM_MODELS = root;
  await symlink(importing.tiny, join(root, 'tiny'));
  await writeFile(join(parent, 'outside.safetensors'), '');
  expect(await listLoraFiles()).toEqual(['made elsewhere/detail.safetensors']);
  const asked = { adapterOf: base!.id, name: 'More detail' };
  const done = await run(file, asked, 'annotator');
  expect(done).toMatchObject({ state: 'ready', error: null });
  expect(await getPolicy(done.policyId!)).toMatchObject({
    name: 'More detail',
    parentId: base!.id,
    manifest: { modules: 'unet', imported: { file: 'detail.safetensors' } },
  });
  const count = (await listPolicies()).length;
  await expect(run(join(parent, 'outside.safetensors'), asked, 'annotator')).rejects.toThrow(
    `lies outside of ${root}`,
  );
  await expect(run(join(parent, 'outside.safetensors'), asked)).rejects.toThrow(
    'outside.safetensors has 0 bytes, too few for a safetensors file',
  );
  delete process.env.DARKROOM_MODELS;
  expect(await listPolicies()).toHaveLength(count);
});

it('takes up a LoRA file that was sent by portions, and keeps them until then', async () => {
  const [base] = await listPolicies();
  const { pipeline } = await openNewest(base!.pipeline);
  const kind = { trainables: 'attention', loraRank: 3, loraAlpha: 3 } as const;
  const tensors = startingTensors(pipeline.denoiser.graph, kind, null, [2]);
  const bytes = adapterFor('diffusers', serializePolicy({ kind, pipelineHash: '', tensors }));
  const half = Math.ceil(bytes.length / 2);
  const portions = await Promise.all(
    [bytes.subarray(0, half), bytes.subarray(half)].map((portion) => putBlob(portion)),
  );
  const asked = (...hashes: string[]) => ({
    adapterOf: base!.id,
    upload: { name: 'Sent.safetensors', portions: hashes },
  });
  const cut = importing.run('Sent.safetensors', asked(portions[0]!), 'annotator');
  await expect(cut).rejects.toThrow(/Sent\.safetensors.+(ends|bytes)/);
  // Tried again, it would be read again.
  expect(await isPointedTo(portions[0]!)).toBe(true);
  expect(await isPointedTo(portions[1]!)).toBe(false);
  const done = await importing.run('Sent.safetensors', asked(...portions), 'annotator');
  expect(done).toMatchObject({
    state: 'ready',
    error: null,
    progress: { stage: 'modules', done: tensors.size, total: tensors.size },
  });
  expect(await getPolicy(done.policyId!)).toMatchObject({
    name: 'Sent',
    parentId: base!.id,
    manifest: { imported: { file: 'Sent.safetensors' } },
  });
  expect(await isPointedTo(portions[1]!)).toBe(false);
  const lost = importing.run('Sent.safetensors', asked('0'.repeat(64)), 'annotator');
  await expect(lost).rejects.toThrow('Send the file again');
});

it('takes up PixArt, whose transformer says a variance behind the noise', async () => {
  const folder = join(familyFolder('tiny-pixart'), 'pipeline');
  const { state, found } = await importing.run(folder, { name: 'PixArt' });
  expect(state).toBe('ready');
  expect(found).toMatchObject({
    family: 'PixArtAlphaPipeline',
    width: 32,
    height: 32,
    // Of 120 tokens one is the end.
    promptTokens: 119,
    adapterSites: { attention: 16, 'attention-ff-conv': 20 },
  });
  expect(found!.scheduler).toContain('DPMSolverMultistepScheduler, sampled by DDIM');
  expect((await openNewest('PixArt')).pipeline.latentShape).toEqual([4, 8, 8]);
});
