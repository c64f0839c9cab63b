import { expect, it } from 'vitest';
import { atUnitStrength } from '@/lib/exchange/adapter-file';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { parseSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { parsePolicy, serializePolicy, type WeightsKind } from '@/trainer/rounds/train/policy-file';

const module = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q';

function adapterOf(loraAlpha: number, trainables: WeightsKind['trainables'] = 'attention') {
  const tensors = new Map([
    [`${module}.lora_A.weight`, float32([4, 6], gaussianNoise('a', 24))],
    [`${module}.lora_B.weight`, float32([5, 4], gaussianNoise('b', 20))],
  ]);
  const kind: WeightsKind = { trainables, loraRank: 4, loraAlpha };
  return { kind, tensors, bytes: serializePolicy({ kind, pipelineHash: 'hash', tensors }) };
}

const values = (tensors: ReadonlyMap<string, Tensor>, name: string) => [
  ...((tensors.get(`${module}.${name}.weight`) as Tensor).data as Float32Array),
];

it.each([16, 1, 6])('alpha %i of rank 4 goes into lora_B, and no header speaks of it', (alpha) => {
  const { bytes, tensors } = adapterOf(alpha);
  const told = parsePolicy(atUnitStrength(bytes), 'download');
  expect(told.kind).toEqual({ trainables: 'attention', loraRank: 4, loraAlpha: 4 });
  expect(told.pipelineHash).toBe('hash');
  expect(values(told.tensors, 'lora_A')).toEqual(values(tensors, 'lora_A'));
  const [once, scaled] = [values(tensors, 'lora_B'), values(told.tensors, 'lora_B')];
  expect(scaled).toEqual(once.map((value) => Math.fround(value * (alpha / 4))));
  const { metadata } = parseSafetensors(atUnitStrength(bytes), 'download');
  expect(Object.keys(metadata).sort()).toEqual(['darkroom', 'format']);
});

it('a file at strength 1, or of whole weights, comes back as it is', () => {
  const { bytes } = adapterOf(4);
  expect(atUnitStrength(bytes)).toBe(bytes);
  const { bytes: whole } = adapterOf(16, 'full');
  expect(atUnitStrength(whole)).toBe(whole);
});

it('what earlier versions wrote for diffusers alone is gone with the alpha', () => {
  const { tensors } = adapterOf(8);
  const note = { trainables: 'attention', loraRank: 4, loraAlpha: 8, pipelineHash: 'hash' };
  const stored = serializeSafetensors(tensors, {
    format: 'pt',
    darkroom: JSON.stringify(note),
    lora_adapter_metadata: JSON.stringify({ 'unet.r': 4, 'unet.lora_alpha': 8 }),
  });
  const { metadata } = parseSafetensors(atUnitStrength(stored), 'download');
  expect(metadata.lora_adapter_metadata).toBeUndefined();
});

it('refuses what is no adapter', () => {
  const { bytes } = adapterOf(16);
  for (const broken of [
    bytes.subarray(0, 4),
    bytes.subarray(0, 40),
    new Uint8Array(64).fill(255),
  ]) {
    expect(() => atUnitStrength(broken)).toThrow(/stored adapter is damaged.+backup/);
  }
});
