import { beforeAll, expect, it } from 'vitest';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { serializeSafetensors } from '@/trainer/formats/safetensors';
import type { Graph } from '@/trainer/graph/model';
import { float32 } from '@/trainer/graph/tensor';
import {
  parsePolicy,
  serializePolicy,
  startingTensors,
  trainedDenoiser,
  type WeightsKind,
  weightsOf,
} from '@/trainer/rounds/train/policy-file';
import { withTinyPipeline } from '../support';

const pipeline = withTinyPipeline();
let denoiser: Graph;
beforeAll(async () => {
  denoiser = (await openPipeline(pipeline.folder)).denoiser.graph;
});

const adapter: WeightsKind = { trainables: 'attention', loraRank: 2, loraAlpha: 2 };
const fileOf = (kind: WeightsKind, seed = 1) => ({
  kind,
  pipelineHash: 'hash',
  tensors: startingTensors(denoiser, kind, null, [seed]),
});

it('reads what it wrote; equal weights are equal bytes', () => {
  const bytes = serializePolicy(fileOf(adapter));
  expect(parsePolicy(bytes, 'x')).toEqual(fileOf(adapter));
  expect(serializePolicy(fileOf(adapter))).toEqual(bytes);
  expect(serializePolicy(fileOf(adapter, 2))).not.toEqual(bytes);
});

it('starts with an adapter that changes nothing', () => {
  for (const [name, { data }] of fileOf(adapter).tensors) {
    expect(data.some((value) => value !== 0)).toBe(name.endsWith('lora_A.weight'));
  }
});

it('starts from all weights as they are', async () => {
  const kind: WeightsKind = { ...adapter, trainables: 'full' };
  const loaded = await trainedDenoiser(denoiser, kind);
  const tensors = startingTensors(loaded, kind, null, [1]);
  expect(tensors.get('conv_in.weight')).toEqual(denoiser.constants.get('conv_in.weight'));
});

it('refuses what is no policy, and weights that do not fit', () => {
  const foreign = serializeSafetensors(new Map([['a', float32([1], [1])]]), { format: 'pt' });
  expect(() => parsePolicy(foreign, 'adapter.safetensors')).toThrow(
    /adapter\.safetensors does not say what was trained/,
  );
  const file = fileOf(adapter);
  const wrongRank = { ...file, kind: { ...adapter, loraRank: 3 } };
  expect(() => weightsOf(denoiser, wrongRank, 'The policy')).toThrow(
    /The policy: "unet\..+Use an adapter/,
  );
  expect(() => startingTensors(denoiser, wrongRank.kind, file, [1])).toThrow(
    /attention of rank 2 and alpha 2, but is configured for attention of rank 3/,
  );
});
