/** @file An adapter that a reference was made with: its settings, and the tensors of all sites. */
import { join } from 'node:path';
import { type Adapter, checkAdapter } from '@/trainer/diffusion/adapters/lora';
import type { Graph } from '@/trainer/graph/model';
import { zeros } from '@/trainer/graph/tensor';
import { type Trainable, trainableAdapter } from '@/trainer/methods/policy/trainable';
import { Golden, readJson } from './golden';
import { parityFolder } from './golden-pipeline';

interface Settings {
  rank: number;
  lora_alpha: number;
}

/**
 * The adapter in `parity/NAME.safetensors`, for every site of attention: those that the reference
 * had none at have zeros, which change nothing.
 */
export async function goldenAdapter(
  folder: string,
  denoiser: Graph,
  name: string,
): Promise<{ trainable: Trainable; adapter: Adapter; scale: number }> {
  const parity = parityFolder(folder);
  const said = await readJson<Record<string, Partial<Settings>>>(join(parity, 'golden.json'));
  const { rank = 4, lora_alpha: alpha = 4 } = said[name] ?? {};
  const trainable = trainableAdapter(denoiser, 'attention', rank, alpha);
  const { tensors } = await Golden.read(parity, name);
  const all = new Map(tensors);
  for (const { name: key, dims } of trainable.tensors) {
    if (!all.has(key)) all.set(key, zeros('float32', dims));
  }
  const adapter = checkAdapter(all, trainable.tensors, `${name}.safetensors`);
  return { trainable, adapter, scale: alpha / rank };
}
