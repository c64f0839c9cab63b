/** @file A round's training: D3PO over the labels, and what it showed. */

import { trainedTimesteps } from '@/lib/settings/run-config';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { d3po } from '@/trainer/methods/d3po';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import type { Example } from '@/trainer/methods/transitions/examples';
import type { TransitionReport } from '@/trainer/methods/transitions/run';
import { TransitionTrainer } from '@/trainer/methods/transitions/transition-trainer';
import type { Label } from '@/trainer/rounds/draw/random';
import { planSteps } from '@/trainer/rounds/train/d3po/steps';
import type { Judged } from './collect';
import type { Student, TrainingSettings } from './student';

/** Images in one run of the training graph: two groups of seven or seven pairs. */
const runImages = 14;

export interface StudentTrainer {
  trainer: TransitionTrainer;
  /** What was judged, as training takes it. */
  examples(judged: readonly Judged[]): Promise<Example[]>;
  close(): Promise<void>;
}

/** What is trained on of every example, and in which portions. */
const portionsOf = (settings: TrainingSettings) => ({
  training: {
    innerEpochs: settings.epochs,
    pairsPerStep: settings.perStep,
    optimiserStep: 'pair' as const,
    noisiestShare: settings.noisiestShare,
    timestepFraction: settings.timestepFraction,
  },
  sampling: { inferenceSteps: settings.steps },
});

/**
 * D3PO from the adapter it was drawn with, nothing trained yet.
 * @param size images of a group or pair @param perStep groups or pairs of a step
 */
export async function openTrainer(
  { engine, pipeline, settings, trainable }: Student,
  adapter: Adapter,
  size: number,
  perStep = 1,
): Promise<StudentTrainer> {
  const [, timesteps] = trainedTimesteps(portionsOf(settings));
  const conditioning = await openConditioning(engine, pipeline);
  const trainer = await TransitionTrainer.open(engine, {
    trainable,
    ...conditioning.options,
    inferenceSteps: settings.steps,
    eta: settings.eta,
    guidance: settings.guidance,
    loss: d3po({ beta: settings.beta, clipRange: settings.clipRange }),
    adamW: settings.adamW,
    secondMoment: settings.secondMoment,
    learningRate: settings.learningRate,
    run: {
      images: runImages,
      comparisons: Math.floor(runImages / size) * Math.floor(size ** 2 / 4),
    },
    runsPerStep: (perStep * timesteps) / Math.floor(runImages / size),
  });
  await trainer.load(initialState(adapter));
  return {
    trainer,
    examples: (judged) =>
      Promise.all(
        judged.map(async ({ images, comparisons }) => ({
          context: await conditioning.encode(images[0]!.prompt),
          images: images.map(({ trajectory }) => trajectory),
          comparisons,
        })),
      ),
    async close() {
      await trainer.close();
      await conditioning.release();
    },
  };
}

/** D3PO over what was judged. @param size images of a group or pair */
export async function train(
  student: Student,
  adapter: Adapter,
  judged: readonly Judged[],
  size: number,
  label: Label,
): Promise<{ adapter: Adapter; steps: number; transitions: TransitionReport[] }> {
  const { settings } = student;
  const perStep = Math.min(settings.perStep, judged.length);
  const opened = await openTrainer(student, adapter, size, perStep);
  const examples = await opened.examples(judged);
  const steps = planSteps(examples.length, portionsOf(settings), label);
  const transitions: TransitionReport[] = [];
  for (const step of steps) {
    const report = await opened.trainer.step(
      step.map(({ example }) => examples[example]!),
      step.map(({ timestepIndices }) => timestepIndices),
    );
    transitions.push(...report.transitions);
  }
  const { tensors } = await opened.trainer.state();
  await opened.close();
  return { adapter: tensors, steps: steps.length, transitions };
}
