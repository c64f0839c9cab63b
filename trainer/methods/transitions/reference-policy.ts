/**
 * @file The reference policy's guided output for the transitions of a run: stored with the trajectories where it is the
 * policy that drew them, computed where it is another.
 */
import { appendGuidedOutput, takesScalarTimestep } from '@/trainer/diffusion/guided-output';
import type { Adapter } from '@/trainer/diffusion/lora';
import type { Trajectory } from '@/trainer/diffusion/trajectory';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import type { Trainable } from '../trainable';
import type { RunImage } from './run';
import type { TransitionStepShape } from './transition-step';

/**
 * `undefined` where it is the policy that sampled the trajectories, whose stored predictions are then used; 'base' for the
 * UNet without adapter; else an adapter.
 */
export type Reference = Adapter | 'base' | undefined;

export class ReferencePolicy {
  private constructor(
    private readonly reference: Reference,
    private readonly latent: readonly number[],
    private readonly session: Session | undefined,
  ) {}

  static async open(
    engine: Engine,
    trainable: Trainable,
    shape: TransitionStepShape,
    { reference, folder }: { reference: Reference; folder: { externalDataFolder?: string } },
  ): Promise<ReferencePolicy> {
    const session =
      reference === undefined
        ? undefined
        : await engine.load(serializeOnnx(referenceGraph(trainable, shape, reference)), {
            name: 'reference policy',
            ...folder,
          });
    return new ReferencePolicy(reference, shape.latent, session);
  }

  /** x_t's guided output for every image of a run, [images, C, H, W]. @param guided feeds of the guided UNet */
  async output(images: readonly RunImage[], guided: Record<string, Tensor>): Promise<Tensor> {
    if (!this.session) {
      const stored = images.map(({ trajectory, timestepIndex }) =>
        predictionAt(trajectory, timestepIndex),
      );
      return float32([images.length, ...this.latent], concatenated(stored));
    }
    const adapter = this.reference instanceof Map ? Object.fromEntries(this.reference) : {};
    return outputOf(await this.session.run({ ...guided, ...adapter }, {}), 'output', 'float32');
  }

  async release(): Promise<void> {
    await this.session?.release();
  }
}

function referenceGraph(
  trainable: Trainable,
  { images, latent, context, guidance }: TransitionStepShape,
  reference: Reference,
) {
  const b = new Builder('reference policy', { ...trainable.unet.opsets });
  const withAdapter = reference instanceof Map;
  if (withAdapter) trainable.declare(b);
  const timestepDims = takesScalarTimestep(trainable.unet) ? [] : [images];
  const output = appendGuidedOutput(
    b,
    withAdapter ? trainable.unet : trainable.base,
    {
      sample: b.input('latents', 'float32', [images, ...latent]),
      timestep: b.input('timestep', 'int64', timestepDims),
      context: b.input('context', 'float32', [images, ...context]),
      ...(guidance !== 1
        ? { emptyContext: b.input('emptyContext', 'float32', [1, ...context]) }
        : {}),
      guidance,
    },
    withAdapter ? { feeds: trainable.feeds, onNode: trainable.onNode } : {},
  );
  b.output(output, 'output');
  return b.finish();
}

function predictionAt(trajectory: Trajectory, step: number): Float32Array {
  const { predictions } = trajectory;
  if (!predictions) {
    throw new Error(
      `The trajectory of "${trajectory.prompt}" (seed ${trajectory.seed}) holds no predictions of the policy that drew it. Sample with predictions kept, or compute the reference policy.`,
    );
  }
  const size = predictions.data.length / (predictions.dims[0] as number);
  return predictions.data.subarray(step * size, (step + 1) * size);
}
