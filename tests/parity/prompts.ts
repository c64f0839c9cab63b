/** @file What a reference's denoiser was told of prompts, port by port. */
import type { Conditioning, ConditioningShape } from '@/trainer/diffusion/pipelines/conditioning';
import { float32 } from '@/trainer/graph/tensor';
import type { Golden } from './golden';

/**
 * The tensors of a file's prompts. @param of `cond` or `uncond`, whose first port bears that name
 * alone; left out, tensors are named as ports are
 */
export function promptsOf(golden: Golden, shape: ConditioningShape, of?: string): Conditioning[] {
  const ports = Object.keys(shape).map((port) => {
    const named = port === 'encoder_hidden_states' ? of : `${of}.${port}`;
    return [port, golden.floats(of === undefined ? port : named!)] as const;
  });
  const count = ports[0]![1].dims[0]!;
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      ports.map(([port, { dims, data }]) => {
        const size = data.length / count;
        return [port, float32(dims.slice(1), data.slice(row * size, (row + 1) * size))];
      }),
    ),
  );
}
