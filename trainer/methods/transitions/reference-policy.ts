/**
 * @file The reference policy's guided output for the transitions of a run: stored with the
 * trajectories where it is the policy that drew them, computed where it is another.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { buildDenoise } from '../policy/denoise';
import type { Trainable } from '../policy/trainable';
import type { RunImage } from './run';
import type { TransitionStepShape } from './transition-step';

/**
 * `undefined` where it is the policy that sampled the trajectories, whose stored predictions are
 * then used; 'base' for the denoiser without adapter; else an adapter.
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
        : await engine.load(
            serializeOnnx(
              buildDenoise(trainable, shape, reference === 'base' ? 'base' : 'trained'),
            ),
            {
              name: 'reference policy',
              ...folder,
            },
          );
    return new ReferencePolicy(reference, shape.latent, session);
  }

  /**
   * x_t's guided output for every image of a run, [images, C, H, W]. @param guided feeds of the
   * guided denoiser
   */
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

function predictionAt(trajectory: Trajectory, step: number): Float32Array {
  const { predictions } = trajectory;
  if (!predictions) {
    throw new Error(
      `The trajectory of "${trajectory.prompt}" (seed ${trajectory.seed}) holds no predictions of the policy that drew it. Sample with predictions kept, or compute the reference policy.`,
    );
  }
  const size = predictions.data.length / predictions.dims[0]!;
  return predictions.data.subarray(step * size, (step + 1) * size);
}
