import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { putBlob } from '@/db/blobs/blobs';
import { keepFolder } from '@/db/policies/pipeline-folders';
import { createPolicy, ensureBasePolicy, type Policy } from '@/db/policies/policies';
import { familyFolder } from '@/tests/support/family-pipelines';
import { worstRelativeError } from '@/tests/support/golden';
import { Denoiser } from '@/trainer/diffusion/denoise/denoiser';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import type { Graph } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { exportPolicy } from '@/trainer/rounds/pipelines/export-policy';
import { openPolicy } from '@/trainer/rounds/pipelines/resolve';
import {
  serializePolicy,
  startingTensors,
  trainedDenoiser,
  type WeightsKind,
} from '@/trainer/rounds/train/policy-file';
import { Engine } from '@/trainer/runtime/engine';
import { writeExternal } from '../../rewards/imported/models';
import { withHomes, withTinyPipeline } from '../support';

const tiny = withTinyPipeline();
const homes = withHomes();
let engine: Engine;
let folder: string;

beforeAll(async () => {
  await homes.make();
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'darkroom-export-'));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

/** The base policy of a pipeline in a folder. */
async function baseIn(name: string, place: string): Promise<Policy> {
  const hash = await pipelineHash(place);
  keepFolder({ pipeline: name, hash, folder: place });
  return ensureBasePolicy({ pipeline: name, name, hash });
}

/** A pipeline like the tiny one, its UNet rewritten; and a policy of it with drawn weights. */
async function policyOf(
  name: string,
  kind: WeightsKind,
  rewrite: (path: string, graph: Graph) => Promise<void>,
) {
  const place = join(folder, name);
  await cp(tiny.folder, place, { recursive: true });
  const path = join(place, 'unet/model.onnx');
  await rewrite(path, await readOnnxFile(path));
  await writeFile(join(place, 'unet/diffusion_pytorch_model.safetensors'), 'of the base');
  return policyIn(name, kind, place);
}

/** The base policy of a folder, and one of it with drawn weights. */
async function policyIn(name: string, kind: WeightsKind, place: string) {
  const base = await baseIn(name, place);
  const { pipeline, pipelineHash } = await openPolicy(base.id);
  const denoiser = await trainedDenoiser(pipeline.denoiser.graph, kind);
  const tensors = new Map(
    [...startingTensors(denoiser, kind, null, [1])].map(([key, { dims, data }]) => {
      const drawn = gaussianNoise(key, data.length);
      return [
        key,
        float32(
          dims,
          data.map((value, i) => value + 0.2 * drawn[i]!),
        ),
      ];
    }),
  );
  const policy = await createPolicy({
    name: `${name} 1`,
    parentId: base.id,
    pipeline: name,
    adapterBlob: await putBlob(serializePolicy({ kind, pipelineHash, tensors })),
    hash: name,
    manifest: {},
    roundId: null,
  });
  return { base, policy, place };
}

/** One pass of a policy's denoiser on drawn inputs. */
async function drawnBy({ id }: Policy): Promise<Float32Array> {
  const { pipeline, weights } = await openPolicy(id);
  const denoiser = await Denoiser.open(engine, pipeline, {
    images: 1,
    guidance: 1,
    ...(weights && { policy: weights }),
  });
  const told = Object.fromEntries(
    Object.entries(pipeline.conditioning).map(([port, dims]) => [
      port,
      float32(dims, gaussianNoise(port, sizeOf(dims))),
    ]),
  );
  await denoiser.setPrompts([told], told);
  const output = await denoiser.predict(gaussianNoise('x', sizeOf(pipeline.latentShape)), 400);
  await denoiser.release();
  return output;
}

const asItIs = async () => {};
const external = async (path: string, graph: Graph) => writeExternal(path, graph, 1);

/** Two projections with one weight between them, as exporters store equal ones; others turned. */
async function shared(path: string, graph: Graph): Promise<void> {
  const of = (end: string) => graph.nodes.find(({ name }) => name.endsWith(`attn1/${end}/MatMul`))!;
  const [q, k, v] = [of('to_q'), of('to_k'), of('to_v')];
  const [weight] = k.inputs.slice(1) as [string];
  q.inputs[1] = weight;
  const turned = graph.constants.get(v.inputs[1]!) as Tensor<'float32'>;
  const [rows, columns] = turned.dims as [number, number];
  graph.constants.set(
    'turned',
    float32(
      [columns, rows],
      turned.data.map((_, at) => turned.data[(at % rows) * columns + Math.floor(at / rows)]!),
    ),
  );
  graph.nodes.unshift({
    name: 'turn',
    op: 'Transpose',
    domain: '',
    inputs: ['turned'],
    outputs: ['turned back'],
    attributes: { perm: { kind: 'ints', value: [1, 0] } },
  });
  v.inputs[1] = 'turned back';
  await writeFile(path, serializeOnnx(graph));
}

const adapter: WeightsKind = { trainables: 'attention-ff-conv', loraRank: 2, loraAlpha: 4 };

it.each([
  ['inline', adapter, asItIs],
  ['external', adapter, external],
  ['shared', adapter, shared],
  [
    'shared-external',
    adapter,
    async (path: string, graph: Graph) => {
      await shared(path, graph);
      await writeExternal(path, await readOnnxFile(path), 1);
    },
  ],
  ['whole', { ...adapter, trainables: 'full' }, asItIs],
] as [string, WeightsKind, (path: string, graph: Graph) => Promise<void>][])(
  'draws as the policy does, from weights that are %s',
  async (name, kind, rewrite) => {
    const { base, policy, place } = await policyOf(name, kind, rewrite);
    const out = join(folder, 'out', name);
    await exportPolicy(policy.id, out);
    const merged = await baseIn(`${name}-merged`, out);
    const wanted = await drawnBy(policy);
    expect(worstRelativeError(await drawnBy(merged), wanted)).toBeLessThan(1e-4);
    expect(worstRelativeError(await drawnBy(base), wanted)).toBeGreaterThan(1e-2);
    // Every file is there but PyTorch's weights, which are the base's; data stay outside.
    const files = async (root: string) =>
      (await readdir(root, { recursive: true }))
        .sort()
        .filter((file) => !file.endsWith('diffusion_pytorch_model.safetensors'));
    expect(await files(out)).toEqual(await files(place));
    expect(await readdir(join(out, 'unet'))).not.toContain('diffusion_pytorch_model.safetensors');
    expect(await readdir(join(folder, 'out'))).not.toContain(`.${name}.part`);
    if (name === 'external') {
      const model = (root: string) => readFile(join(root, 'unet/model.onnx'));
      expect(await model(out)).toEqual(await model(place));
      const size = async (root: string) => (await stat(join(root, 'unet/model.onnx_data'))).size;
      expect(await size(out)).toBe(await size(place));
    }
  },
);

it('writes the whole output of a network whose variance nobody follows, too', async () => {
  const place = join(folder, 'pixart');
  await cp(join(familyFolder('tiny-pixart'), 'pipeline'), place, { recursive: true });
  const { base, policy } = await policyIn('pixart', adapter, place);
  const out = join(folder, 'out', 'pixart');
  await exportPolicy(policy.id, out);
  const ports = async (root: string) => {
    const { inputs, outputs } = await readOnnxFile(join(root, 'transformer/model.onnx'));
    return { inputs, outputs };
  };
  expect(await ports(out)).toEqual(await ports(place));
  const merged = await baseIn('pixart-merged', out);
  const wanted = await drawnBy(policy);
  expect(worstRelativeError(await drawnBy(merged), wanted)).toBeLessThan(1e-4);
  expect(worstRelativeError(await drawnBy(base), wanted)).toBeGreaterThan(1e-2);
});

it('takes a folder that may only be read, and leaves nothing where it fails', async () => {
  const { base, policy, place } = await policyOf(
    'fixed',
    { ...adapter, trainables: 'attention' },
    asItIs,
  );
  await expect(exportPolicy(base.id, join(folder, 'base'))).rejects.toThrow(
    /fixed is a base policy/,
  );
  await expect(exportPolicy(policy.id, place)).rejects.toThrow(/is there and holds/);
  await expect(exportPolicy(policy.id, join(place, 'out'))).rejects.toThrow(/lies within/);
  await chmod(join(place, 'unet/model.onnx'), 0o444);
  const out = join(folder, 'empty');
  await mkdir(out);
  await exportPolicy(policy.id, out);
  expect((await stat(join(out, 'unet/model.onnx'))).mode & 0o200).toBe(0o200);
});
