/**
 * @file `npm run pretrain`: draws the world, trains the autoencoder, then the text encoder and the UNet, and writes the
 * built-in policy. Every stage resumes from its checkpoint; finished stages are skipped. `--stage export` writes the
 * policy from the last checkpoint, also while training goes on; `--stage measure` measures it with the judges;
 * `--stage unpack` turns the policy back into checkpoints to go on from.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Engine } from '@/trainer/runtime/engine';
import { trainJudge } from '../judge/train';
import { loadCheckpoint } from './checkpoint';
import { openDataset } from './dataset';
import { CALIBRATION_SETTINGS, DIFFUSION_SETTINGS, trainDiffusion } from './diffusion-stage';
import { exportPipeline, type PipelineWeights } from './export';
import { openLatents, readLatentScale } from './latents';
import { logMeasured, measurePolicy, SAMPLING } from './measure-stage';
import { log } from './stage';
import { averagedWeights } from './training';
import { unpackPolicy } from './unpack';
import { trainVae } from './vae-stage';

/** Stages that need the drawn images. */
const TRAINED = ['vae', 'diffusion', 'calibration'];
const STAGES = [...TRAINED, 'judge-a', 'judge-b', 'export', 'measure'];
/** Only where it is asked for. */
const UNPACK = 'unpack';

const { values: flags } = parseArgs({
  options: {
    folder: { type: 'string', default: process.env.DARKROOM_PRETRAIN ?? '.train' },
    images: { type: 'string', default: '80000' },
    stage: { type: 'string', default: STAGES.join() },
    measured: { type: 'string', default: '1000' },
    guidance: { type: 'string', default: String(SAMPLING.guidance) },
    policy: { type: 'string', default: fileURLToPath(new URL('../policy', import.meta.url)) },
    /** Where the diffusion stage ends, and over how many steps its learning rate falls to nothing before that. */
    steps: { type: 'string' },
    decay: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

/** Seeds from here on are training images; the measurement of judges uses others. */
const FIRST_TRAINING_SEED = 1_000_000;

const { folder } = flags;
const stages = new Set(flags.stage.split(','));
const unknown = [...stages].find((stage) => ![...STAGES, UNPACK].includes(stage));
if (unknown !== undefined) {
  throw new Error(`There is no stage "${unknown}"; choose from ${[...STAGES, UNPACK].join(', ')}.`);
}
const latentPath = join(folder, 'latents.bin');

async function weightsOf(stage: string) {
  const checkpoint = await loadCheckpoint(join(folder, `${stage}.safetensors`));
  if (checkpoint) return averagedWeights(checkpoint.state);
  throw new Error(`${folder} holds no "${stage}" checkpoint; run \`npm run pretrain\` first.`);
}

async function pipelineWeights(): Promise<PipelineWeights> {
  const last = existsSync(join(folder, 'calibration.safetensors')) ? 'calibration' : 'diffusion';
  return {
    diffusion: await weightsOf(last),
    vae: await weightsOf('vae'),
    scale: readLatentScale(latentPath),
  };
}

async function withEngine(work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await Engine.open({ device: 'cpu', threads: Number(flags.threads) });
  try {
    await work(engine);
  } finally {
    await engine.close();
  }
}

async function train(engine: Engine): Promise<void> {
  const dataset = openDataset(
    join(folder, 'images.bin'),
    FIRST_TRAINING_SEED,
    Number(flags.images),
    (drawn) => log(folder, `drawn ${drawn} images`),
  );
  if (stages.has('vae')) await trainVae(engine, folder, dataset);
  if (!stages.has('diffusion') && !stages.has('calibration')) return;
  const vaeWeights = await weightsOf('vae');
  const latents = await openLatents(engine, latentPath, dataset, vaeWeights);
  const job = { folder, dataset, latents, vaeWeights };
  if (stages.has('diffusion')) {
    const steps = Number(flags.steps ?? DIFFUSION_SETTINGS.steps);
    const decaySteps = Number(flags.decay ?? DIFFUSION_SETTINGS.decaySteps);
    const settings = { ...DIFFUSION_SETTINGS, steps, decaySteps };
    await trainDiffusion(engine, { ...job, name: 'diffusion', settings });
  }
  if (stages.has('calibration')) {
    const start = await weightsOf('diffusion');
    const settings = CALIBRATION_SETTINGS;
    await trainDiffusion(engine, { ...job, name: 'calibration', settings, start });
  }
}

mkdirSync(folder, { recursive: true });
if (stages.has(UNPACK)) await unpackPolicy(flags.policy, folder, latentPath);
if (TRAINED.some((stage) => stages.has(stage))) await withEngine(train);
for (const name of ['a', 'b'] as const) {
  if (!stages.has(`judge-${name}`)) continue;
  await withEngine(async (engine) => trainJudge(engine, folder, name, await pipelineWeights()));
}
if (stages.has('export')) {
  exportPipeline(flags.policy, await pipelineWeights());
  log(folder, `wrote ${flags.policy}`);
}
if (stages.has('measure')) {
  const sampling = { ...SAMPLING, guidance: Number(flags.guidance) };
  await withEngine(async (engine) => {
    const measured = await measurePolicy(engine, flags.policy, Number(flags.measured), sampling);
    logMeasured(folder, measured);
  });
}
