/** @file Darkroom's tensors to and from ONNX Runtime's. Runs in the engine's child process. */

import { isDtype, type Tensor } from '@/trainer/graph/tensor';
import { EngineError } from './errors';
import { ort } from './onnxruntime';

/** The same tensor for ONNX Runtime, sharing memory. */
export function toOrt(value: Tensor): ort.Tensor {
  if (value.dtype === 'bfloat16') {
    throw new EngineError(
      'bfloat16 tensors cannot enter or leave ONNX Runtime: cast to float32 or float16 at the border.',
    );
  }
  return new ort.Tensor(value.dtype, value.data as ort.Tensor['data'], value.dims) as ort.Tensor;
}

/** A tensor of ONNX Runtime that lies in memory, sharing it. `what` names it in errors. */
export function fromOrt(value: ort.Tensor, what: string): Tensor {
  if (value.location !== 'cpu') throw new EngineError(`${what} lies on the device, not in memory.`);
  const dtype = value.type;
  if (!isDtype(dtype)) throw new EngineError(`${what} holds ${dtype}, which no tensor here can.`);
  return { dtype, dims: value.dims, data: value.data } as Tensor;
}
