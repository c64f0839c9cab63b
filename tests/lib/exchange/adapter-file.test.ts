import { expect, it } from 'vitest';
import { type AdapterNaming, adapterFor } from '@/lib/exchange/adapter-file';
import {
  a1111JointDotted,
  a1111Knows,
  comfyJointDotted,
  comfyUnetNames,
  jointOwnNames,
  jointPaths,
  sd15,
  sd35Large,
  sd35Medium,
  sdxl,
  unetModules,
} from '@/tests/support/lora-tables';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { parseSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { parsePolicy, serializePolicy, type WeightsKind } from '@/trainer/rounds/train/policy-file';

const module = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q';

function adapterOf(
  loraAlpha: number,
  { trainables = 'attention' as WeightsKind['trainables'], modules = [module] } = {},
) {
  const tensors = new Map(
    modules.flatMap((name) => [
      [`${name}.lora_A.weight`, float32([4, 6], gaussianNoise(`${name} a`, 24))],
      [`${name}.lora_B.weight`, float32([5, 4], gaussianNoise(`${name} b`, 20))],
    ]),
  );
  const kind: WeightsKind = { trainables, loraRank: 4, loraAlpha };
  return { kind, tensors, bytes: serializePolicy({ kind, pipelineHash: 'hash', tensors }) };
}

const values = (tensors: ReadonlyMap<string, Tensor>, name: string) => [
  ...((tensors.get(name) as Tensor).data as Float32Array),
];

it.each([16, 1, 6])('alpha %i of rank 4 goes into lora_B, and every reader is told 4', (alpha) => {
  const { bytes, tensors } = adapterOf(alpha);
  const diffusers = adapterFor('diffusers', bytes);
  const told = parsePolicy(diffusers, 'download');
  expect(told.kind).toEqual({ trainables: 'attention', loraRank: 4, loraAlpha: 4 });
  expect(told.pipelineHash).toBe('hash');
  const [a, b] = [`${module}.lora_A.weight`, `${module}.lora_B.weight`];
  expect(values(told.tensors, a)).toEqual(values(tensors, a));
  const scaled = values(tensors, b).map((value) => Math.fround(value * (alpha / 4)));
  expect(values(told.tensors, b)).toEqual(scaled);
  const { metadata } = parseSafetensors(diffusers, 'download');
  expect(JSON.parse(metadata.lora_adapter_metadata!)).toMatchObject({
    'unet.r': 4,
    'unet.lora_alpha': 4,
    'unet.target_modules': [module.slice('unet.'.length)],
  });

  const kohya = parseSafetensors(adapterFor('kohya', bytes), 'download');
  const name = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
  expect([...kohya.tensors.keys()]).toEqual([
    `${name}.alpha`,
    `${name}.lora_down.weight`,
    `${name}.lora_up.weight`,
  ]);
  expect(kohya.tensors.get(`${name}.alpha`)).toEqual(float32([], [4]));
  expect(values(kohya.tensors, `${name}.lora_up.weight`)).toEqual(scaled);
  expect(kohya.metadata).toMatchObject({ ss_network_dim: '4', ss_network_alpha: '4' });
  // diffusers refuses a file that says alpha in the header and in tensors.
  expect(kohya.metadata.lora_adapter_metadata).toBeUndefined();
});

it('whole weights come back as they are, and have no names of kohya', () => {
  const { bytes } = adapterOf(16, { trainables: 'full' });
  expect(adapterFor('diffusers', bytes)).toBe(bytes);
  expect(() => adapterFor('kohya', bytes)).toThrow(/all weights.+not an adapter/);
});

it('what an earlier version wrote for diffusers is replaced', () => {
  const { tensors } = adapterOf(8);
  const note = { trainables: 'attention', loraRank: 4, loraAlpha: 8, pipelineHash: 'hash' };
  const stored = serializeSafetensors(tensors, {
    format: 'pt',
    darkroom: JSON.stringify(note),
    lora_adapter_metadata: JSON.stringify({ 'unet.r': 4, 'unet.lora_alpha': 8 }),
  });
  const { metadata } = parseSafetensors(adapterFor('diffusers', stored), 'download');
  expect(JSON.parse(metadata.lora_adapter_metadata!)['unet.lora_alpha']).toBe(4);
});

it('refuses what is no adapter', () => {
  const { bytes, tensors, kind } = adapterOf(16);
  const [[name, one]] = [...tensors] as [[string, Tensor<'float32'>]];
  for (const broken of [
    bytes.subarray(0, 4),
    bytes.subarray(0, 40),
    bytes.subarray(0, bytes.length - 4),
    new Uint8Array(64).fill(255),
    serializePolicy({ kind, pipelineHash: 'hash', tensors: new Map([[name, one]]) }),
    serializePolicy({ kind, pipelineHash: 'hash', tensors: new Map([['a', one]]) }),
  ]) {
    expect(() => adapterFor('diffusers', broken)).toThrow(/stored adapter is damaged.+backup/);
  }
});

/** Names of the modules in a download of an adapter at all of a model's modules. */
function modulesIn(naming: AdapterNaming, modules: readonly string[]): string[] {
  const { bytes } = adapterOf(4, { modules: [...modules] });
  const names = [...parseSafetensors(adapterFor(naming, bytes), 'download').tensors.keys()];
  const ending = naming === 'kohya' ? '.lora_up.weight' : '.lora_B.weight';
  return names.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
}

it.each([
  ['Stable Diffusion 1.5', sd15, 192],
  ['SDXL', sdxl, 722],
])("ComfyUI and A1111 know every name of kohya's for %s", (_, blocks, count) => {
  const paths = unetModules(blocks).map(([path]) => `unet.${path}`);
  const kohya = modulesIn('kohya', paths);
  expect(kohya).toHaveLength(paths.length);
  // So many modules does kohya's trainer count in its default, without the resnets.
  expect(kohya.filter((name) => !name.includes('resnets'))).toHaveLength(count);
  const comfy = comfyUnetNames(blocks);
  expect(kohya.filter((name) => !comfy.has(name))).toEqual([]);
  expect(kohya.filter((name) => !a1111Knows(blocks, name))).toEqual([]);
  // Why diffusers' names are not for ComfyUI: it passes over attention without an error.
  const unknown = modulesIn('diffusers', paths).filter((name) => !comfy.has(name));
  expect(unknown.length).toBeGreaterThan(0);
  expect(unknown.every((name) => /attn\d\.to_/.test(name))).toBe(true);
});

it.each([
  ['3.5 medium', sd35Medium],
  ['3.5 large', sd35Large],
])("ComfyUI and Forge know every name of kohya's for Stable Diffusion %s", (_, blocks) => {
  const paths = jointPaths(blocks).map((path) => `transformer.${path}`);
  const own = jointOwnNames(blocks);
  const kohya = modulesIn('kohya', paths);
  expect(new Set(kohya)).toEqual(own);
  const diffusers = modulesIn('diffusers', paths);
  const comfy = comfyJointDotted(blocks);
  expect(diffusers.filter((name) => !comfy.has(name))).toEqual([]);
  const a1111 = a1111JointDotted(blocks);
  expect(diffusers.filter((name) => a1111.has(name))).toHaveLength(4 * blocks.layers);
  expect(kohya.filter((name) => a1111.has(name))).toEqual([]);
});

it('query, key and value of Stable Diffusion 3 become one product of three ranks', () => {
  const attn = 'transformer.transformer_blocks.1.attn';
  const modules = ['to_q', 'to_v', 'to_out.0'].map((name) => `${attn}.${name}`);
  const { bytes, tensors } = adapterOf(8, { modules });
  const { tensors: kohya } = parseSafetensors(adapterFor('kohya', bytes), 'download');
  const name = 'lora_unet_joint_blocks_1_x_block_attn_qkv';
  const [down, up] = ['down', 'up'].map((half) => kohya.get(`${name}.lora_${half}.weight`)!);
  expect(kohya.get(`${name}.alpha`)).toEqual(float32([], [8]));
  expect(down!.dims).toEqual([8, 6]);
  expect(up!.dims).toEqual([15, 8]);
  // The product, row by row, is each module's own: alpha 8 of rank 4 is twice B times A.
  const product = multiplied(up!, down!);
  const ownProduct = (path: string) =>
    multiplied(
      tensors.get(`${attn}.${path}.lora_B.weight`)!,
      tensors.get(`${attn}.${path}.lora_A.weight`)!,
    ).map((value) => 2 * value);
  const wanted = [...ownProduct('to_q'), ...Array(30).fill(0), ...ownProduct('to_v')];
  expect(Math.max(...product.map((value, i) => Math.abs(value - wanted[i])))).toBeLessThan(1e-5);
});

function multiplied(a: Tensor, b: Tensor): number[] {
  const [rows, inner] = a.dims as [number, number];
  const columns = b.dims[1]!;
  return Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < inner; i++) {
      sum += Number(a.data[row * inner + i]) * Number(b.data[i * columns + column]);
    }
    return sum;
  });
}
