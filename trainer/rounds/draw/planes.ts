/** @file A few images drawn to be looked at by a reward, and kept nowhere. */
import { toPlanes } from '@/trainer/diffusion/images/png';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import {
  type SampleRequest,
  Sampler,
  type SamplerOptions,
} from '@/trainer/diffusion/sampling/sampler';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';

/** All requested images as one tensor [n, 3, H, W] in [0, 1]. */
export async function drawPlanes(
  engine: Engine,
  pipeline: Pipeline,
  requests: readonly SampleRequest[],
  options: SamplerOptions,
): Promise<Tensor<'float32'>> {
  const sampler = await Sampler.open(engine, pipeline, options);
  try {
    const planes: Float32Array[] = [];
    let [height, width] = [0, 0];
    for await (const batch of sampler.sample(requests, {})) {
      for (const { image } of batch) {
        planes.push(toPlanes(image));
        [height, width] = [image.height, image.width];
      }
    }
    return float32([requests.length, 3, height, width], concatenated(planes));
  } finally {
    await sampler.release();
  }
}
