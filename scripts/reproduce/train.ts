/** @file A round's training: D3PO over the labels, and what it showed. */

import { trainedTimesteps } from '@/lib/settings/run-config';
import type { Adapter } from '@/trainer/diffusion/lora';
import { PromptEncoder } from '@/trainer/diffusion/networks';
import { float32 } from '@/trainer/graph/tensor';
import type { TransitionReport } from '@/trainer/methods/run';
import { TransitionTrainer } from '@/trainer/methods/transition-trainer';
import { type Label, shuffled } from '@/trainer/rounds/random';
import type { Judged } from './collect';
import type { Drawn } from './draw';
import type { Student } from './student';

/** Images in one run of the training graph: two groups of seven or seven pairs. */
const runImages = 14;

/** D3PO over what was judged, from the adapter it was drawn with. @param size images of a group or pair */
export async function train(
  { engine, pipeline, settings, trainable }: Student,
  adapter: Adapter,
  judged: readonly Judged[],
  size: number,
  label: Label,
): Promise<{ adapter: Adapter; steps: number; transitions: TransitionReport[] }> {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const;
  const encode = async (prompt: string) => float32(context, await encoder.encode(prompt));
  const trainer = await TransitionTrainer.open(engine, {
    trainable,
    externalDataFolder: pipeline.unet.folder,
    scheduler: pipeline.scheduler,
    latent: pipeline.latentShape,
    context,
    emptyContext: await encode(''),
    inferenceSteps: settings.steps,
    eta: settings.eta,
    guidance: settings.guidance,
    d3po: { beta: settings.beta, clipRange: settings.clipRange },
    adamW: settings.adamW,
    learningRate: settings.learningRate,
    run: {
      images: runImages,
      comparisons: Math.floor(runImages / size) * Math.floor(size ** 2 / 4),
    },
  });
  await trainer.load(TransitionTrainer.initialState(adapter));
  const [eligible, kept] = trainedTimesteps({
    training: settings,
    sampling: { inferenceSteps: settings.steps },
  });
  const indices = Array.from({ length: eligible }, (_, i) => i);
  const transitions: TransitionReport[] = [];
  let steps = 0;
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    const order = shuffled(judged, ...label, 'examples', epoch);
    for (let first = 0; first < order.length; first += settings.perStep) {
      const together = order.slice(first, first + settings.perStep);
      const examples = [];
      for (const { images, comparisons } of together) {
        examples.push({
          context: await encode((images[0] as Drawn).prompt),
          images: images.map(({ trajectory }) => trajectory),
          comparisons,
        });
      }
      const timesteps = together.map((_, i) =>
        shuffled(indices, ...label, 'timesteps', epoch, first + i).slice(0, kept),
      );
      transitions.push(...(await trainer.step(examples, timesteps)).transitions);
      steps++;
    }
  }
  const { tensors } = await trainer.state();
  await trainer.close();
  await encoder.release();
  return { adapter: tensors, steps, transitions };
}
