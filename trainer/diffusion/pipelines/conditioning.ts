/**
 * @file What a denoiser is told of a prompt. Encoders make it and the feeder lays it out; everybody
 * else only passes it on.
 */
import { float32, type Tensor } from '@/trainer/graph/tensor';

/**
 * A tensor of one prompt for each port of the denoiser beside sample and timestep, without an axis
 * for images.
 */
export type Conditioning = Readonly<Record<string, Tensor<'float32'>>>;

/** Their shapes, by port. */
export type ConditioningShape = Readonly<Record<string, readonly number[]>>;

/**
 * Prompts' tensors one after the other, by port: [prompts, …]. @throws RangeError where one lacks a
 * port
 */
export function stacked(
  shape: ConditioningShape,
  prompts: readonly Conditioning[],
): Record<string, Tensor<'float32'>> {
  return Object.fromEntries(
    Object.entries(shape).map(([port, dims]) => [port, stackedPort(port, dims, prompts)]),
  );
}

function stackedPort(
  port: string,
  dims: readonly number[],
  prompts: readonly Conditioning[],
): Tensor<'float32'> {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const data = new Float32Array(prompts.length * size);
  for (const [row, prompt] of prompts.entries()) {
    const values = prompt[port]?.data;
    if (values?.length !== size) {
      throw new RangeError(
        `A prompt was encoded to ${Object.keys(prompt).join(', ')}, where the denoiser takes ${size} numbers as "${port}". Encode it with this pipeline's own text encoder.`,
      );
    }
    data.set(values, row * size);
  }
  return float32([prompts.length, ...dims], data);
}
