/** @file `npm run pretrain`: how the built-in policy and its judges are made, stage by stage. */
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { commandLine, refuse, whole } from '@/scripts/command-line';
import { writeFlowTwin } from '@/trainer/hands/flow-twin';
import { trainJudge } from '@/trainer/hands/judge/train';
import { loadCheckpoint } from '@/trainer/hands/pretrain/checkpoint';
import { openDataset } from '@/trainer/hands/pretrain/dataset';
import {
  CALIBRATION_SETTINGS,
  DIFFUSION_SETTINGS,
  trainDiffusion,
} from '@/trainer/hands/pretrain/diffusion-stage';
import { exportPipeline, type PipelineWeights } from '@/trainer/hands/pretrain/export';
import { openLatents, readLatentScale } from '@/trainer/hands/pretrain/latents';
import { logMeasured, measurePolicy, SAMPLING } from '@/trainer/hands/pretrain/measure-stage';
import { log } from '@/trainer/hands/pretrain/stage';
import { averagedWeights } from '@/trainer/hands/pretrain/training';
import { unpackPolicy } from '@/trainer/hands/pretrain/unpack';
import { trainVae } from '@/trainer/hands/pretrain/vae-stage';
import { Engine } from '@/trainer/runtime/engine';

/** Stages that need the drawn images. */
const TRAINED = ['vae', 'diffusion', 'calibration'];
const STAGES = [...TRAINED, 'judge-a', 'judge-b', 'export', 'measure'];
/** Only where they are asked for. */
const UNPACK = 'unpack';
const FLOW_TWIN = 'flow-twin';
const ASKED_FOR = [UNPACK, FLOW_TWIN];

const { values: flags } = commandLine({
  start: 'npm run pretrain --',
  about: `Draws the world, trains the autoencoder, then the text encoder and the UNet, then the judges, and writes the
built-in policy. Every stage goes on from its checkpoint; finished ones are skipped. The stage export writes the policy
from the last checkpoint, also while training goes on; unpack turns the policy back into checkpoints to go on from;
flow-twin writes the policy once more as a rectified flow, which has nothing to learn, into FOLDER/flow-twin.`,
  options: z.object({
    folder: z
      .string()
      .default(process.env.DARKROOM_PRETRAIN ?? '.train')
      .describe('where checkpoints lie'),
    images: whole(1).default(80_000).describe('renders to learn from'),
    stage: z
      .string()
      .default(STAGES.join())
      .describe(`one or more with commas, of these and ${ASKED_FOR.join(', ')}`),
    measured: whole(1).default(1000).describe('images that measure the policy'),
    guidance: z.coerce.number().default(SAMPLING.guidance).describe('with which they are drawn'),
    policy: z
      .string()
      .default(fileURLToPath(new URL('../../trainer/hands/policy', import.meta.url)))
      .describe('where the policy goes'),
    steps: whole(1).default(DIFFUSION_SETTINGS.steps).describe('where the diffusion stage ends'),
    decay: whole(0)
      .default(DIFFUSION_SETTINGS.decaySteps)
      .describe('steps before that, over which its learning rate falls to nothing'),
    threads: whole(1).default(availableParallelism()).describe('of ONNX Runtime'),
  }),
});

/** Seeds from here on are training images; the measurement of judges uses others. */
const FIRST_TRAINING_SEED = 1_000_000;

const { folder } = flags;
const stages = new Set(flags.stage.split(','));
const known = [...STAGES, ...ASKED_FOR];
const unknown = [...stages].find((stage) => !known.includes(stage));
if (unknown !== undefined) {
  refuse(`There is no stage "${unknown}"; choose from ${known.join(', ')}.`);
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
  const engine = await Engine.open({ device: 'cpu', threads: flags.threads });
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
    flags.images,
    (drawn) => log(folder, `drawn ${drawn} images`),
  );
  if (stages.has('vae')) await trainVae(engine, folder, dataset);
  if (!stages.has('diffusion') && !stages.has('calibration')) return;
  const vaeWeights = await weightsOf('vae');
  const latents = await openLatents(engine, latentPath, dataset, vaeWeights);
  const job = { folder, dataset, latents, vaeWeights };
  if (stages.has('diffusion')) {
    const settings = { ...DIFFUSION_SETTINGS, steps: flags.steps, decaySteps: flags.decay };
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
if (stages.has(FLOW_TWIN)) {
  const twin = join(folder, FLOW_TWIN);
  await writeFlowTwin(flags.policy, twin);
  log(folder, `wrote ${twin}`);
}
if (stages.has('measure')) {
  const sampling = { ...SAMPLING, guidance: flags.guidance };
  await withEngine(async (engine) => {
    const measured = await measurePolicy(engine, flags.policy, flags.measured, sampling);
    logMeasured(folder, measured);
  });
}
