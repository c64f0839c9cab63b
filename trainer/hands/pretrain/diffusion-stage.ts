/**
 * @file Stage two: text encoder and UNet together learn to predict the noise in noisy latents (Ho
 * et al. 2020), on dirty captions, one in ten of them empty for guidance (Ho and Salimans 2022).
 * The loss of nearly clean latents is weighed down (min-SNR, Hang et al. 2023), that of very noisy
 * ones up.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClipTokenizer } from '@/trainer/diffusion/pipelines/tokenizer';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { takeStep } from '@/trainer/diffusion/schedulers/step';
import type { Value } from '@/trainer/graph/builder';
import { expectDtype, float32, int64, type Tensor } from '@/trainer/graph/tensor';
import { createRandom, type Random } from '@/trainer/random';
import type { Engine, Feeds } from '@/trainer/runtime/engine';
import { CAPTION_RATES, type CaptionRates, writeCaption } from '../captions';
import { writeContactSheet } from '../contact-sheet';
import { buildClipText } from '../networks/clip-text';
import type { Layers } from '../networks/layers';
import { buildUnet } from '../networks/unet';
import { drawPrompts, TRAINING_PROMPTS } from '../prompts';
import { PROMPT_TOKENS, writeTokenizer } from '../tokenizer';
import { IMAGE_SIZE } from '../world/draw';
import type { DefectRates } from '../world/scene';
import { type Dataset, IMAGE_BYTES } from './dataset';
import {
  LATENT_CHANNELS,
  LATENT_SIDE,
  LATENT_SIZE,
  type LatentCache,
  loadDecoder,
} from './latents';
import { SCHEDULE, TEXT_CONFIG, UNET_CONFIG } from './pipeline-config';
import { runStage, type StageSettings } from './stage';
import { Training } from './training';

export type DiffusionSettings = StageSettings & {
  /** Share of captions replaced by the empty one. */
  emptyCaptions: number;
  /** Signal-to-noise ratio above which the loss counts less. */
  signalToNoiseMax: number;
  /**
   * Added to the ratio: makes very noisy latents, in which colours and poses are decided, count
   * more.
   */
  signalToNoiseExtra: number;
  /** Share of timesteps drawn from the noisier half of the schedule, where poses are decided. */
  noisyHalf: number;
  /** How dirty the images are that it sees. */
  rates: DefectRates;
  /** How dirty their captions are. */
  captions: CaptionRates;
};

export const DIFFUSION_SETTINGS: DiffusionSettings = {
  steps: 8_000,
  batch: 16,
  learningRate: 8e-4,
  warmUpSteps: 400,
  decaySteps: 2500,
  averageDecay: 0.999,
  seed: 12,
  emptyCaptions: 0.1,
  signalToNoiseMax: 5,
  signalToNoiseExtra: 0.3,
  noisyHalf: 0.6,
  rates: { deformed: 0.31, blood: 0.5 },
  captions: CAPTION_RATES,
};

/**
 * The last steps, on another mix and dirtier captions: a guided generator loses some malformed
 * hands and makes up some blood, and it follows captions better than they deserve. The mix is set
 * such that its images are as dirty as the world.
 */
export const CALIBRATION_SETTINGS: DiffusionSettings = {
  ...DIFFUSION_SETTINGS,
  steps: 500,
  learningRate: 4e-4,
  warmUpSteps: 30,
  decaySteps: 300,
  averageDecay: 0.99,
  seed: 13,
  rates: { deformed: 0.26, blood: 0.35 },
  captions: { ...CAPTION_RATES, missing: 0.2, wrong: 0.3 },
};

const SHOWN = 32;
const SHOWN_STEPS = 20;
const SHOWN_GUIDANCE = 2;

const latentDims = (batch: number) => [batch, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE];

function noiseOf(layers: Layers, sample: Value, timestep: Value, ids: Value): Value {
  const context = buildClipText(layers.within('text_encoder'), TEXT_CONFIG, ids);
  return buildUnet(layers.within('unet'), UNET_CONFIG, { sample, timestep, context });
}

function diffusionLoss(layers: Layers, batch: number): Record<string, Value> {
  const b = layers.builder;
  const noise = b.input('noise', 'float32', latentDims(batch));
  const predicted = noiseOf(
    layers,
    b.input('sample', 'float32', latentDims(batch)),
    b.input('timestep', 'int64', [batch]),
    b.input('ids', 'int64', [batch, PROMPT_TOKENS]),
  );
  const error = b.sub(predicted, noise);
  const perImage = b.reduceMean(b.mul(error, error), [1, 2, 3], false);
  const weighed = b.mul(perImage, b.input('weight', 'float32', [batch]));
  return {
    loss: b.reduceMean(weighed, [0], false),
    plain: b.reduceMean(perImage, [0], false),
  };
}

/** Indices of images by defect, so that any mix of them can be drawn. */
function byDefect(dataset: Dataset): number[][] {
  const groups: number[][] = [[], [], [], []];
  for (let index = 0; index < dataset.count; index++) {
    const { fingers, blood } = dataset.truth(index);
    groups[(fingers === 5 ? 0 : 2) + (blood ? 1 : 0)]?.push(index);
  }
  return groups;
}

function pickIndex(random: Random, groups: readonly number[][], rates: DefectRates): number {
  const group = (random.chance(rates.deformed) ? 2 : 0) + (random.chance(rates.blood) ? 1 : 0);
  return random.pick(groups[group]!);
}

export interface DiffusionJob {
  /** Names checkpoint, log lines and contact sheets. */
  name: string;
  folder: string;
  dataset: Dataset;
  latents: LatentCache;
  /** The autoencoder's, to show samples. */
  vaeWeights: ReadonlyMap<string, Tensor>;
  settings: DiffusionSettings;
  /** Weights to start from; made anew where left out. */
  start?: ReadonlyMap<string, Tensor>;
}

export async function trainDiffusion(engine: Engine, job: DiffusionJob): Promise<void> {
  const { name, folder, dataset, latents, vaeWeights, settings, start } = job;
  const { batch } = settings;
  const training = await Training.compile(engine, 'diffusion', (layers) =>
    diffusionLoss(layers, batch),
  );
  const scheduler = new DdimScheduler(SCHEDULE);
  const tokenizerFolder = mkdtempSync(join(tmpdir(), 'hands-tokenizer-'));
  writeTokenizer(tokenizerFolder);
  const tokenizer = await ClipTokenizer.open(tokenizerFolder);
  const groups = byDefect(dataset);

  const makeBatch = (random: Random): Feeds => {
    const noise = new Float32Array(batch * LATENT_SIZE).map(() => random.gaussian());
    const sample = new Float32Array(batch * LATENT_SIZE);
    const timesteps: number[] = [];
    const weights: number[] = [];
    const ids: number[] = [];
    for (let image = 0; image < batch; image++) {
      const index = pickIndex(random, groups, settings.rates);
      const half = SCHEDULE.num_train_timesteps / 2;
      const noisy = random.chance(settings.noisyHalf);
      const timestep = random.integer(half) + (noisy ? half : 0);
      const alphaBar = scheduler.alphaBar(timestep);
      const [signal, spread] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
      latents.latent(index).forEach((value, at) => {
        const place = image * LATENT_SIZE + at;
        sample[place] = signal * value + spread * noise[place]!;
      });
      timesteps.push(timestep);
      const ratio = alphaBar / (1 - alphaBar);
      const { signalToNoiseMax: most, signalToNoiseExtra: extra } = settings;
      weights.push(Math.min(ratio + extra, most) / ratio);
      const caption = random.chance(settings.emptyCaptions)
        ? ''
        : writeCaption(random, dataset.truth(index), settings.captions);
      ids.push(...tokenizer.encode(caption));
    }
    return {
      sample: float32(latentDims(batch), sample),
      noise: float32(latentDims(batch), noise),
      timestep: int64([batch], timesteps),
      weight: float32([batch], weights),
      ids: int64([batch, PROMPT_TOKENS], ids),
    };
  };

  const predict = await training.evaluation('guided noise', (layers) => {
    const b = layers.builder;
    const sample = b.input('sample', 'float32', latentDims(SHOWN));
    const timestep = b.input('timestep', 'int64', [1]);
    const both = noiseOf(
      layers,
      b.concat([sample, sample], 0),
      timestep,
      b.input('ids', 'int64', [2 * SHOWN, PROMPT_TOKENS]),
    );
    const without = b.slice(both, 0, 0, SHOWN);
    const given = b.slice(both, 0, SHOWN, 2 * SHOWN);
    return { noise: b.add(without, b.scale(b.sub(given, without), SHOWN_GUIDANCE)) };
  });
  const decode = await loadDecoder(engine, vaeWeights, latents.scale, SHOWN);
  const prompts = drawPrompts(createRandom(1), TRAINING_PROMPTS, SHOWN);
  const ids = tokenizer.encodeAll([...prompts.map(() => ''), ...prompts]);

  await runStage({
    name,
    folder,
    settings,
    training,
    start,
    batch: makeBatch,
    show: async (step) => {
      const random = createRandom(2);
      let sample = new Float32Array(SHOWN * LATENT_SIZE).map(() => random.gaussian());
      for (const timestep of scheduler.timesteps(SHOWN_STEPS)) {
        const [noise] = await predict({
          sample: float32(latentDims(SHOWN), sample),
          timestep: int64([1], [timestep]),
          ids,
        });
        const { previous } = takeStep(scheduler.coefficients(timestep, SHOWN_STEPS, 1), SHOWN, {
          sample,
          output: expectDtype(noise as Tensor, 'float32', 'noise').data,
          noise: new Float32Array(sample.length).map(() => random.gaussian()),
        });
        sample = new Float32Array(previous);
      }
      const bytes = await decode(sample);
      const images = prompts.map((_, at) =>
        bytes.subarray(at * IMAGE_BYTES, (at + 1) * IMAGE_BYTES),
      );
      const path = join(folder, `${name}-${String(step).padStart(6, '0')}.png`);
      writeContactSheet(path, images, IMAGE_SIZE, { columns: 8, zoom: 2 });
    },
  });
}
