/** @file One experiment: rounds of drawing, judging and training, each ending in a measurement by the other judge. */
import { allPairs } from '@/lib/pairing';
import { adapterSites } from '@/trainer/diffusion/adapter-sites';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/lora';
import { PromptEncoder } from '@/trainer/diffusion/networks';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import { float32 } from '@/trainer/graph/tensor';
import { Judge } from '@/trainer/hands/judge/judge';
import { drawPrompts, TRAINING_PROMPTS } from '@/trainer/hands/prompts';
import { trainableAdapter } from '@/trainer/methods/trainable';
import { type TransitionReport, TransitionTrainer } from '@/trainer/methods/transition-trainer';
import { randomOf, shuffled } from '@/trainer/rounds/random';
import type { Engine } from '@/trainer/runtime/engine';
import { type Preference, pick, tag } from './annotators';
import { type Drawn, draw } from './draw';
import { type Experiment, trainingSettings as settings } from './experiments';
import { type Measured, measure } from './measure';

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
  evaluationImages: number;
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
  const { log, seed, evaluationImages } = options;
  const unet = pipeline.unet.graph;
  const trainable = trainableAdapter(unet, settings.targets, settings.rank);
  const eyes = await Judge.open(engine, 'b');
  const judge = await Judge.open(engine, 'a');
  const { gaussian } = randomOf(name, seed, 'adapter');
  let adapter =
    options.resume?.adapter ??
    initialAdapter(adapterSites(unet, settings.targets).values(), settings.rank, gaussian);
  const result: ExperimentResult = options.resume?.result ?? {
    name,
    seed,
    base: await measure(engine, pipeline, judge, trainable, undefined, evaluationImages),
    rounds: [],
  };
  log(`base: ${describe(result.base)}`);
  for (let round = result.rounds.length; round < experiment.rounds; round++) {
    const start = performance.now();
    const { preferences, judgements } = await collect(
      engine,
      pipeline,
      eyes,
      trainable,
      adapter,
      experiment,
      [name, seed, round],
    );
    log(`round ${round + 1}: ${judgements} judgements, ${preferences.length} preferences`);
    const trained = await train(engine, pipeline, adapter, preferences, [name, seed, round]);
    adapter = trained.adapter;
    const measured = await measure(engine, pipeline, judge, trainable, adapter, evaluationImages);
    const seconds = (performance.now() - start) / 1000;
    const before = result.rounds.at(-1)?.judgements ?? 0;
    result.rounds.push({
      round: round + 1,
      judgements: before + judgements,
      preferences: preferences.length,
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

function describe(measured: Measured): string {
  const rate = (count: number) => `${((100 * count) / measured.images).toFixed(1)} %`;
  return `deformed ${rate(measured.deformed)}, blood ${rate(measured.blood)}, alignment ${measured.alignment.toFixed(3)}, diversity ${measured.diversity.toFixed(3)}`;
}

type Label = readonly (string | number)[];

/** Draws a round's images and asks the simulated annotators. */
async function collect(
  engine: Engine,
  pipeline: Pipeline,
  eyes: Judge,
  trainable: ReturnType<typeof trainableAdapter>,
  adapter: Adapter,
  experiment: Experiment,
  label: Label,
): Promise<{ preferences: Preference[]; judgements: number }> {
  const { source, perRound } = experiment;
  const size = source.kind === 'groups' ? source.size : 2;
  const random = randomOf(...label, 'annotators');
  const prompts = drawPrompts(randomOf(...label, 'prompts'), TRAINING_PROMPTS, perRound);
  const firstSeed = randomOf(...label, 'seeds').integer(900_000_000);
  const requests = prompts.flatMap((prompt, group) =>
    Array.from({ length: size }, (_, i) => ({
      prompt,
      seed: firstSeed + group * size + i,
      noiseSeed: firstSeed + group * size + i,
    })),
  );
  const preferences: Preference[] = [];
  let group: Drawn[] = [];
  for await (const image of draw(engine, pipeline, eyes, trainable, adapter, requests, true)) {
    group.push(image);
    if (group.length < size) continue;
    if (source.kind === 'groups') {
      const bad = tag(
        group.map(({ verdict }) => verdict),
        source.bad,
        random,
      );
      const members = group.map((drawn, i) => ({ drawn, bad: bad[i] as boolean }));
      for (const [one, other] of allPairs(members)) {
        if (one.bad === other.bad) continue;
        preferences.push(
          one.bad
            ? { winner: other.drawn, loser: one.drawn }
            : { winner: one.drawn, loser: other.drawn },
        );
      }
    } else {
      const [one, other] = group as [Drawn, Drawn];
      const better = pick(one.prompt, [one.verdict, other.verdict], random);
      if (better !== null)
        preferences.push(
          better === 0 ? { winner: one, loser: other } : { winner: other, loser: one },
        );
    }
    group = [];
  }
  return { preferences, judgements: source.kind === 'groups' ? perRound * size : perRound };
}

/** One pass of D3PO over the preferences, from the adapter they were drawn with. */
async function train(
  engine: Engine,
  pipeline: Pipeline,
  adapter: Adapter,
  preferences: readonly Preference[],
  label: Label,
): Promise<{ adapter: Adapter; steps: number; transitions: TransitionReport[] }> {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const;
  const encode = async (prompt: string) => float32(context, await encoder.encode(prompt));
  const trainer = await TransitionTrainer.open(engine, {
    trainable: trainableAdapter(pipeline.unet.graph, settings.targets, settings.rank),
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
    transitionsPerRun: 5,
  });
  await trainer.load(TransitionTrainer.initialState(adapter));
  const order = shuffled(preferences, ...label, 'pairs');
  const indices = Array.from({ length: settings.steps }, (_, i) => i);
  const kept = Math.round(settings.steps * settings.timestepFraction);
  const transitions: TransitionReport[] = [];
  let steps = 0;
  for (let first = 0; first < order.length; first += settings.pairsPerStep) {
    const together = order.slice(first, first + settings.pairsPerStep);
    const examples = [];
    for (const { winner, loser } of together) {
      examples.push({
        context: await encode(winner.prompt),
        winner: winner.trajectory,
        loser: loser.trajectory,
        weight: 1,
      });
    }
    const timesteps = together.map((_, i) =>
      shuffled(indices, ...label, 'timesteps', first + i).slice(0, kept),
    );
    transitions.push(...(await trainer.step(examples, timesteps)).transitions);
    steps++;
  }
  const { tensors } = await trainer.state();
  await trainer.close();
  await encoder.release();
  return { adapter: tensors, steps, transitions };
}

function means(transitions: readonly TransitionReport[]) {
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
