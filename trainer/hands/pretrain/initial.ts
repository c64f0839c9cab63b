/**
 * @file First weights: PyTorch's own rules, but the last layer of every residual branch starts at
 * zero.
 */
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import type { Random } from '@/trainer/random';
import type { Parameter } from './training';

/** Residual branches end in these; at zero, a deep network starts out as a shallow one. */
const ZERO = /(resnets\.\d+\.conv2|proj_out|to_out\.0|ff\.net\.2)\.weight$/;
const NORM = /(norm\w*|norm\d)\.weight$/;

export function initialWeights(
  random: Random,
  parameters: readonly Parameter[],
): Map<string, Tensor> {
  return new Map(
    parameters.map(({ name, dims }) => [name, float32(dims, initialValues(random, name, dims))]),
  );
}

function initialValues(random: Random, name: string, dims: readonly number[]): Float32Array {
  const values = new Float32Array(sizeOf(dims));
  if (NORM.test(name)) return values.fill(1);
  if (dims.length === 1 || ZERO.test(name)) return values;
  if (name.includes('embedding.weight')) return values.map(() => 0.02 * random.gaussian());
  // Kaiming uniform with a = sqrt(5), as torch.nn.Linear and Conv2d do: within 1 / sqrt(fan-in).
  const bound = 1 / Math.sqrt(sizeOf(dims.slice(1)));
  return values.map(() => random.between(-bound, bound));
}
