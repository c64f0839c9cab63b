import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { listPolicies } from '@/db/policies/policies';
import { linkedFolder } from '@/tests/support/linked-folder';
import type { Graph, Node } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { withImports } from './support';

const importing = withImports();
let count = 0;

const newFolder = () => join(importing.parent, `case-${++count}`);

/** The tiny pipeline with some files replaced, imported. */
async function withFiles(changes: Record<string, string | Uint8Array | null>): Promise<unknown> {
  return importing.run(await linkedFolder(importing.tiny, newFolder(), changes));
}

async function json(path: string, changes: object): Promise<string> {
  const own = JSON.parse(await readFile(join(importing.tiny, path), 'utf8'));
  return JSON.stringify({ ...own, ...changes });
}

async function graphOf(part: string, change: (graph: Graph) => void): Promise<Uint8Array> {
  const graph = await readOnnxFile(join(importing.tiny, part, 'model.onnx'));
  change(graph);
  return serializeOnnx(graph);
}

/** The network's output goes through one more node. */
function ending(node: Pick<Node, 'op' | 'name'>, constant: number) {
  return (graph: Graph) => {
    const { name } = graph.outputs[0]!;
    for (const one of graph.nodes) {
      one.outputs = one.outputs.map((output) => (output === name ? 'before' : output));
      one.inputs = one.inputs.map((input) => (input === name ? 'before' : input));
    }
    graph.constants.set('factor', float32([1], [constant]));
    const inputs = ['before', 'factor'];
    graph.nodes.push({ ...node, domain: '', inputs, outputs: [name], attributes: {} });
  };
}

// Nothing is half registered, whatever was refused.
afterEach(async () => {
  expect(await listPolicies()).toEqual([]);
  expect(existsSync(join(importing.home, 'darkroom.pipelines.json'))).toBe(false);
});

it('refuses what is no folder of a pipeline, and says how to come to one', async () => {
  const { run, parent } = importing;
  await expect(run('models/sd')).rejects.toThrow('"models/sd" is no absolute path');
  await expect(run(join(parent, 'nowhere'))).rejects.toThrow(/nowhere does not exist\. Give/);

  const checkpoint = join(parent, 'model.safetensors');
  await writeFile(checkpoint, 'weights');
  const single = /model\.safetensors is a single checkpoint.+from_single_file.+optimum-cli export/;
  await expect(run(checkpoint)).rejects.toThrow(single);
  const folder = newFolder();
  await mkdir(folder);
  await expect(run(folder)).rejects.toThrow(/holds no pipeline: model_index\.json is missing/);
  await writeFile(join(folder, 'model.safetensors'), 'weights');
  await expect(run(folder)).rejects.toThrow(single);

  await expect(run(parent)).rejects.toThrow(
    `${parent} holds no model_index.json, but tiny in it does. Give ${join(parent, 'tiny')}.`,
  );
  await expect(run(join(importing.tiny, 'unet/model.onnx'))).rejects.toThrow('is one network');
  await expect(run(join(importing.tiny, 'model_index.json'))).rejects.toThrow('is no folder');

  const diffusers = newFolder();
  await mkdir(join(diffusers, 'unet'), { recursive: true });
  await writeFile(join(diffusers, 'model_index.json'), '{"_class_name":"StableDiffusionPipeline"}');
  await writeFile(join(diffusers, 'unet/diffusion_pytorch_model.safetensors'), 'weights');
  await expect(run(diffusers)).rejects.toThrow(
    `${diffusers} is a folder of diffusers, without ONNX graphs. Export it: optimum-cli export onnx --model ${diffusers} ${diffusers}-onnx`,
  );
});

it('refuses what may not be read, and links that lead nowhere', async () => {
  const folder = await linkedFolder(importing.tiny, newFolder(), { 'unet/config.json': null });
  await symlink(join(importing.parent, 'gone'), join(folder, 'unet/config.json'));
  await expect(importing.run(folder)).rejects.toThrow(
    `${join(folder, 'unet/config.json')} is a link to a file that does not exist`,
  );
  const closed = await linkedFolder(importing.tiny, newFolder(), { 'unet/config.json': '{}' });
  await chmod(join(closed, 'unet/config.json'), 0);
  // The superuser reads everything: for this once the test is nobody.
  const isRoot = process.geteuid?.() === 0;
  await chmod(importing.parent, 0o755);
  if (isRoot) process.seteuid?.(65_534);
  const { checkFolder } = await import('@/trainer/rounds/imports/folder');
  const refused = await checkFolder(closed).then(
    () => 'nothing',
    (thrown: Error) => thrown.message,
  );
  if (isRoot) process.seteuid?.(0);
  expect(refused).toMatch(
    / may not be read by the trainer's user\. Give that user the right .+ a\+rX/,
  );
});

it.each([
  ['unet', /unet\/(config\.json|model\.onnx)/],
  ['vae_decoder', /vae_decoder\/model\.onnx/],
  ['text_encoder', /text_encoder\/model\.onnx/],
  ['tokenizer', /tokenizer\/tokenizer_config\.json does not exist/],
  ['scheduler', /scheduler\/scheduler_config\.json does not exist/],
])('refuses a pipeline without its %s', async (part, message) => {
  await expect(withFiles({ [part]: null })).rejects.toThrow(message);
});

it('refuses parts of two models', async () => {
  const width = await json('text_encoder/config.json', { hidden_size: 16 });
  await expect(withFiles({ 'text_encoder/config.json': width })).rejects.toThrow(
    /parts of two models: text_encoder gives 16 numbers a token, but unet attends to 8/,
  );
  const channels = await json('vae_decoder/config.json', { latent_channels: 16 });
  await expect(withFiles({ 'vae_decoder/config.json': channels })).rejects.toThrow(
    /parts of two models: unet denoises 4 channels, but vae_decoder reads 16/,
  );
  // The same where only the graphs know.
  const decoder = await graphOf('vae_decoder', ({ inputs: [port] }) => {
    port!.dims = ['batch', 16, 8, 8];
  });
  await expect(withFiles({ 'vae_decoder/model.onnx': decoder })).rejects.toThrow(
    /vae_decoder\/model\.onnx: "latent_sample" has shape .+16.+promises/,
  );
  const words = await json('text_encoder/config.json', { vocab_size: 5 });
  await expect(withFiles({ 'text_encoder/config.json': words })).rejects.toThrow(
    /tokenizer is not the text encoder's: it gives ids up to \d+, but text_encoder knows 5 words/,
  );
});

it('refuses files that are truncated or corrupt', async () => {
  const whole = await readFile(join(importing.tiny, 'unet/model.onnx'));
  const half = whole.subarray(0, whole.length / 2);
  await expect(withFiles({ 'unet/model.onnx': half })).rejects.toThrow(
    /unet\/model\.onnx is not a complete ONNX model .+ truncated or corrupt/,
  );
  await expect(withFiles({ 'vae_decoder/model.onnx': 'no graph' })).rejects.toThrow(
    /vae_decoder\/model\.onnx (is not a complete ONNX model|holds no ONNX graph)/,
  );
  await expect(withFiles({ 'model_index.json': '{"_class_name":' })).rejects.toThrow(
    /model_index\.json is no JSON/,
  );
  await expect(withFiles({ 'unet/config.json': '{"in_channels": 4' })).rejects.toThrow(
    /unet\/config\.json is no JSON/,
  );
});

it('refuses data that lies outside the folder, is missing or too short', async () => {
  const unetWith = (location: string) =>
    graphOf('unet', (graph) => {
      const [name, { dtype, dims }] = [...graph.constants].find(
        ([, constant]) => constant.dtype === 'float32' && constant.dims.length === 4,
      )!;
      const length = dims.reduce((product, dim) => product * dim, 4);
      graph.constants.set(name, { dtype, dims, external: { location, offset: 0, length } });
    });
  await expect(withFiles({ 'unet/model.onnx': await unetWith('../secret') })).rejects.toThrow(
    /its data lies in "\.\.\/secret", outside the model's folder/,
  );
  const inside = await unetWith('model.onnx.data');
  await expect(withFiles({ 'unet/model.onnx': inside })).rejects.toThrow(
    /unet\/model\.onnx\.data cannot be opened .+ Put it beside the model/,
  );
  await expect(
    withFiles({ 'unet/model.onnx': inside, 'unet/model.onnx.data': 'short' }),
  ).rejects.toThrow(/model\.onnx\.data ends after 5 bytes where \d+ are needed/);
});

it('refuses networks that give no numbers, or always the same', async () => {
  const broken = await graphOf('vae_decoder', ending({ op: 'Div', name: '/out/Div' }, 0));
  await expect(withFiles({ 'vae_decoder/model.onnx': broken })).rejects.toThrow(
    /vae_decoder\/model\.onnx gave .+ It began at node "\/out\/Div" \(Div\)/,
  );
  for (const part of ['vae_decoder', 'unet', 'text_encoder']) {
    const constant = await graphOf(part, ending({ op: 'Mul', name: '/out/Mul' }, 0));
    await expect(withFiles({ [`${part}/model.onnx`]: constant })).rejects.toThrow(
      new RegExp(
        `${part}/model\\.onnx gives .+ throughout: a constant.+ lost at node "/out/Mul" \\(Mul\\)`,
      ),
    );
  }
});

it('refuses models that denoise something else, and schedulers that cannot be followed', async () => {
  const denoiser = (changes: object) => json('unet/config.json', changes);
  await expect(
    withFiles({ 'unet/config.json': await denoiser({ out_channels: 8 }) }),
  ).rejects.toThrow(/unet\/config\.json: the model predicts its variance, too .+ learned variance/);
  await expect(
    withFiles({ 'unet/config.json': await denoiser({ in_channels: 9 }) }),
  ).rejects.toThrow(
    /unet\/config\.json: the model takes 9 channels and gives 4: it is for inpainting/,
  );
  const scheduler = await json('scheduler/scheduler_config.json', { _class_name: 'LCMScheduler' });
  await expect(withFiles({ 'scheduler/scheduler_config.json': scheduler })).rejects.toThrow(
    /LCMScheduler belongs to a distilled network/,
  );
  const other = JSON.stringify({ _class_name: 'StableDiffusionXLImg2ImgPipeline' });
  await expect(withFiles({ 'model_index.json': other })).rejects.toThrow(
    /StableDiffusionXLImg2ImgPipeline starts from an image, not from a prompt alone/,
  );
});
