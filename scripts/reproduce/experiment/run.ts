/**
 * @file One experiment: rounds of drawing, judging and training, each ending in a measurement by
 * the other judge.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Judge } from '@/trainer/hands/judge/judge';
import type { TransitionReport } from '@/trainer/methods/transitions/run';
import { randomOf } from '@/trainer/rounds/draw/random';
import type { Engine } from '@/trainer/runtime/engine';
import type { Experiment } from './catalogue';
import { collect, imagesTogether } from './collect';
import { type Measured, measure } from './measure';
import { openStudent, untrained } from './student';
import { train } from './train';

export interface RoundResult {
  round: number;
  judgements: number;
  preferences: number;
  trainedSteps: number;
  /** Means over all transitions of the round. */
  loss: number;
  implicitAccuracy: number;
  logRatioWinner: number;
  logRatioLoser: number;
  clipFraction: number;
  kl: number;
  measured: Measured;
  seconds: number;
}

export interface ExperimentResult {
  name: string;
  seed: number;
  base: Measured;
  rounds: RoundResult[];
}

/** What an interrupted experiment goes on from. */
export interface Progress {
  result: ExperimentResult;
  adapter: Adapter;
}

export interface RunOptions {
  /** The base's measurement; it tells how many images measure the last round. */
  base: Measured;
  /** Images that measure the rounds before the last. */
  interimImages: number;
  seed: number;
  log: (line: string) => void;
  resume?: Progress;
  /** Called after every round. */
  save: (progress: Progress) => Promise<void>;
}

/** Runs an experiment to its last round. */
export async function runExperiment(
  engine: Engine,
  pipeline: Pipeline,
  name: string,
  experiment: Experiment,
  options: RunOptions,
): Promise<ExperimentResult> {
  const { log, seed, base, interimImages } = options;
  const student = openStudent(engine, pipeline, experiment.training);
  const eyes = await Judge.open(engine, 'b');
  const judge = await Judge.open(engine, 'a');
  const { gaussian } = randomOf(name, seed, 'adapter');
  let adapter = options.resume?.adapter ?? untrained(student, gaussian);
  const result: ExperimentResult = options.resume?.result ?? {
    name,
    seed,
    base,
    rounds: [],
  };
  for (let round = result.rounds.length; round < experiment.rounds; round++) {
    const start = performance.now();
    const { judged, judgements } = await collect(student, eyes, adapter, experiment, [
      name,
      seed,
      round,
    ]);
    const preferences = judged.reduce((sum, { comparisons }) => sum + comparisons.length, 0);
    log(`round ${round + 1}: ${judgements} judgements, ${preferences} preferences`);
    const learningRate = student.settings.learningRate * (experiment.decay ?? 1) ** round;
    const settings = { ...student.settings, learningRate };
    const trained = await train(
      { ...student, settings },
      adapter,
      judged,
      imagesTogether(experiment),
      [name, seed, round],
    );
    adapter = trained.adapter;
    const last = round === experiment.rounds - 1;
    const measured = await measure(student, judge, adapter, last ? base.images : interimImages);
    const seconds = (performance.now() - start) / 1000;
    const before = result.rounds.at(-1)?.judgements ?? 0;
    result.rounds.push({
      round: round + 1,
      judgements: before + judgements,
      preferences,
      trainedSteps: trained.steps,
      ...means(trained.transitions),
      measured,
      seconds,
    });
    log(`round ${round + 1}: ${describe(measured)} (${seconds.toFixed(0)} s)`);
    await options.save({ result, adapter });
  }
  return result;
}

export function describe(measured: Measured): string {
  const rate = (count: number) => `${((100 * count) / measured.images).toFixed(1)} %`;
  return `deformed ${rate(measured.deformed)}, blood ${rate(measured.blood)}, alignment ${measured.alignment.toFixed(3)}, diversity ${measured.diversity.toFixed(3)}`;
}

/** Means over all transitions of a round. */
export function means(transitions: readonly TransitionReport[]) {
  const mean = (read: (report: TransitionReport) => number) =>
    transitions.reduce((sum, report) => sum + read(report), 0) / Math.max(1, transitions.length);
  return {
    loss: mean((t) => t.loss),
    implicitAccuracy: mean((t) => Number(t.logRatioWinner > t.logRatioLoser)),
    logRatioWinner: mean((t) => t.logRatioWinner),
    logRatioLoser: mean((t) => t.logRatioLoser),
    clipFraction: mean((t) => t.clipFraction),
    kl: mean((t) => t.kl),
  };
}
