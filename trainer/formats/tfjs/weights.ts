/**
 * @file The weights of a TensorFlow.js network: a manifest that says what lies in the bytes of its
 * shards, one tensor after the other, often quantized. Source: `weights_loader` and
 * `decodeWeights` of @tensorflow/tfjs-core.
 */
import { z } from 'zod';
import { toFloat32 } from '@/trainer/graph/float16';
import { GraphError } from '@/trainer/graph/model';
import { float32, formatDims, int64, sizeOf, type Tensor, tensor } from '@/trainer/graph/tensor';

const quantizationSchema = z.object({
  dtype: z.enum(['uint8', 'uint16', 'float16']),
  min: z.number().optional(),
  scale: z.number().optional(),
});

const weightSchema = z.object({
  name: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  dtype: z.string(),
  quantization: quantizationSchema.optional(),
});

type Weight = z.infer<typeof weightSchema>;

export const manifestSchema = z.array(
  z.object({ paths: z.array(z.string().min(1)), weights: z.array(weightSchema) }),
);

type Group = z.infer<typeof manifestSchema>[number];

const byteWidths: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/**
 * The tensors of one group: float32, and int64 for TensorFlow's int32, since those are axes, shapes
 * and indices. @param bytes its shards, one after the other @throws GraphError where they are too
 * few or too many, or hold what networks of images do not need (strings, complex numbers)
 */
export function weightsOf(group: Group, bytes: Uint8Array, source: string): [string, Tensor][] {
  let at = 0;
  const read = group.weights.map((weight): [string, Tensor] => {
    const width = byteWidths[weight.quantization?.dtype ?? weight.dtype];
    if (width === undefined) {
      throw new GraphError(
        `${source}: the weight "${weight.name}" is of type ${weight.dtype}. Networks of numbers alone can be converted.`,
      );
    }
    const length = width * sizeOf(weight.shape);
    if (at + length > bytes.length) {
      throw new GraphError(
        `${source}: the weight "${weight.name}" ${formatDims(weight.shape)} would end at byte ${at + length} of ${group.paths.join(', ')}, which hold ${bytes.length}. The files are not whole; fetch them again.`,
      );
    }
    // A copy, so that it begins where numbers may: slices of a Buffer are views.
    const own = new Uint8Array(bytes.subarray(at, at + length));
    at += length;
    return [weight.name, tensorOf(weight, own, source)];
  });
  if (at !== bytes.length) {
    throw new GraphError(
      `${source}: ${group.paths.join(', ')} hold ${bytes.length} bytes, but the weights take ${at}. They are not of one model; fetch them again.`,
    );
  }
  return read;
}

function tensorOf(weight: Weight, bytes: Uint8Array, source: string): Tensor {
  const { name, shape, dtype, quantization } = weight;
  const numbers = quantization ? dequantized(weight, bytes, source) : plain(dtype, bytes);
  if (dtype === 'float32') return float32(shape, Float32Array.from(numbers));
  if (dtype === 'bool') return tensor('bool', shape, Uint8Array.from(numbers));
  if (dtype === 'int32') return int64(shape, Array.from(numbers, Math.round));
  throw new GraphError(`${source}: the weight "${name}" is of type ${dtype}, quantized.`);
}

function plain(dtype: string, bytes: Uint8Array): ArrayLike<number> {
  if (dtype === 'float32') return new Float32Array(bytes.buffer);
  return dtype === 'int32' ? new Int32Array(bytes.buffer) : bytes;
}

/** `value · scale + min`; half precision as it is. */
function dequantized(
  { name, shape, quantization }: Weight,
  bytes: Uint8Array,
  source: string,
): ArrayLike<number> {
  const { dtype, min, scale } = quantization!;
  const raw = dtype === 'uint8' ? bytes : new Uint16Array(bytes.buffer);
  if (dtype === 'float16') return toFloat32(tensor('float16', shape, raw as Uint16Array));
  if (min === undefined || scale === undefined) {
    throw new GraphError(
      `${source}: the weight "${name}" is quantized to ${dtype} without a scale. The file is not whole; fetch it again.`,
    );
  }
  return Float32Array.from(raw, (value) => value * scale + min);
}
