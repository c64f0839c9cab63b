import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { familyFolder } from '@/tests/support/family-pipelines';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { serializeSafetensors } from '@/trainer/formats/safetensors';
import { fromFloat32 } from '@/trainer/graph/float16';
import { concatenated, int64, type Tensor } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

let folder: string;
let engine: Engine;
beforeEach(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'embeddings-'));
  await cp(join(familyFolder('tiny-sana'), 'pipeline'), folder, { recursive: true });
});
afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

/** As another program leaves them: states in half precision, masks as whole numbers. */
function tensorsOf(encoded: readonly Conditioning[]): Map<string, Tensor> {
  const [{ encoder_hidden_states: states }] = encoded as [Conditioning];
  const all = (port: string) => concatenated(encoded.map((one) => one[port]!.data));
  return new Map<string, Tensor>([
    [
      'encoder_hidden_states',
      fromFloat32('float16', [encoded.length, ...states!.dims], all('encoder_hidden_states')),
    ],
    [
      'encoder_attention_mask',
      int64([encoded.length, states!.dims[0]!], [...all('encoder_attention_mask')]),
    ],
  ]);
}

it('stands for the text encoder: what was computed elsewhere is drawn with, and nothing else', async () => {
  const encoder = await PromptEncoder.open(engine, await openPipeline(folder));
  const own = [await encoder.encode('a hand'), await encoder.encodeNone()];
  await encoder.release();
  const file = join(folder, 'prompt_embeddings.safetensors');
  const write = (prompts: unknown, tensors = tensorsOf(own)) =>
    writeFile(file, serializeSafetensors(tensors, { prompts: JSON.stringify(prompts) }));
  await rm(join(folder, 'text_encoder'), { recursive: true });
  await rm(join(folder, 'tokenizer'), { recursive: true });

  await write(['a hand', '']);
  const pipeline = await openPipeline(folder);
  expect(pipeline.conditioning.encoder_hidden_states).toEqual([300, 48]);
  const read = await PromptEncoder.open(engine, pipeline);
  const hand = await read.encode('a hand');
  hand.encoder_hidden_states!.data.forEach((value, i) => {
    expect(value).toBeCloseTo(own[0]!.encoder_hidden_states!.data[i]!, 2);
  });
  expect(hand.encoder_attention_mask).toEqual(own[0]!.encoder_attention_mask);
  expect((await read.encodeNone()).encoder_attention_mask).toEqual(own[1]!.encoder_attention_mask);
  await expect(read.encode('a foot')).rejects.toThrow(
    /prompt_embeddings\.safetensors has nothing for the prompt "a foot".+one of its 2 prompts/,
  );
  const settings = { steps: 2, eta: 0, guidance: 2 };
  const sampler = await Sampler.open(engine, pipeline, { images: 1, settings });
  const drawn = [];
  for await (const batch of sampler.sample([{ prompt: 'a hand', seed: 1, noiseSeed: 1 }])) {
    drawn.push(...batch);
  }
  await sampler.release();
  expect(drawn[0]!.image.width).toBe(32);

  await write(['a hand']);
  await expect(openPipeline(folder)).rejects.toThrow('lacks the empty prompt');
  await write('a hand');
  await expect(openPipeline(folder)).rejects.toThrow('lacks "prompts" in its metadata');
  await write(['a hand', '', 'more']);
  await expect(openPipeline(folder)).rejects.toThrow(
    /holds \[2,300\] as "encoder_attention_mask" for 3 prompts/,
  );
  const half = tensorsOf(own);
  half.delete('encoder_attention_mask');
  await write(['a hand', ''], half);
  await expect(openPipeline(folder)).rejects.toThrow(/lacks "encoder_attention_mask"/);
});
