/**
 * @file `npm run pretrain`: draws the world, trains the autoencoder, then the text encoder and the UNet, and writes the
 * built-in policy. Every stage resumes from its checkpoint; finished stages are skipped.
 */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Engine } from '@/trainer/runtime/engine';
import { loadCheckpoint } from './checkpoint';
import { openDataset } from './dataset';
import { trainDiffusion } from './diffusion-stage';
import { openLatents } from './latents';
import { log } from './stage';
import { averagedWeights } from './training';
import { trainVae } from './vae-stage';

const { values: flags } = parseArgs({
  options: {
    folder: { type: 'string', default: process.env.DARKROOM_PRETRAIN ?? '.train' },
    images: { type: 'string', default: '80000' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

/** Seeds from here on are training images; evaluation of judges uses others. */
const FIRST_TRAINING_SEED = 1_000_000;

const { folder } = flags;
mkdirSync(folder, { recursive: true });
const dataset = openDataset(
  join(folder, 'images.bin'),
  FIRST_TRAINING_SEED,
  Number(flags.images),
  (drawn) => log(folder, `drawn ${drawn} images`),
);
const engine = await Engine.open({ device: 'cpu', threads: Number(flags.threads) });
try {
  await trainVae(engine, folder, dataset);
  const vae = await loadCheckpoint(join(folder, 'vae.safetensors'));
  if (!vae) throw new Error('The autoencoder has no checkpoint; run this stage again.');
  const vaeWeights = averagedWeights(vae.state);
  const latents = await openLatents(engine, join(folder, 'latents.bin'), dataset, vaeWeights);
  await trainDiffusion(engine, folder, dataset, latents, vaeWeights);
} finally {
  await engine.close();
}
