/**
 * @file Parity of schedulers: timesteps and noise levels, and the stochastic steps of flow
 * matching, of a folder with `pipeline/` and `parity/`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openScheduler } from '@/trainer/diffusion/pipelines/pipeline';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import { predictedMean, takeStep } from '@/trainer/diffusion/schedulers/step';
import { numbersOf } from '@/trainer/graph/numbers';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { Golden, readJson } from '../golden';
import { type ParityCase, relativeError } from '../report';

interface Setting {
  scheduler: Scheduler;
  parity: string;
  golden: Golden;
}

/** By the beginning of a file's name. */
const cases: readonly [RegExp, (setting: Setting) => number | Promise<number>][] = [
  [/^schedule$/, scheduleError],
  [/^sde_/, stochasticError],
];

/** Whichever of them `parity/` holds; nothing is run by an engine. */
export async function scheduleCases(_: Engine, folder: string): Promise<ParityCase[]> {
  const [pipeline, parity] = [join(folder, 'pipeline'), join(folder, 'parity')];
  if (!existsSync(pipeline) || !existsSync(parity)) return [];
  const names = readdirSync(parity).flatMap((file) => file.match(/^(.+)\.safetensors$/)?.[1] ?? []);
  return names.sort().flatMap((name) =>
    cases
      .filter(([pattern]) => pattern.test(name))
      .map(([, errorOf]) => ({
        name,
        run: async () => {
          const scheduler = await openScheduler(pipeline);
          const golden = await Golden.read(parity, name);
          return { forward: await errorOf({ scheduler, parity, golden }) };
        },
      })),
  );
}

/** A flow's schedule of a solver is taken where there is no noise, others where there is. */
const withoutNoise = new Set(['dpmsolver']);

/**
 * The error of all timesteps and levels; a level is σ, or of a diffusion √((1−ᾱ)/ᾱ), as Euler
 * counts.
 */
function scheduleError({ scheduler, golden }: Setting): number {
  const errors = [...golden.tensors].flatMap(([key, wanted]) => {
    const [, name, what, steps] = key.match(/^(\w+)\.(timesteps|sigmas)_(\d+)$/) ?? [];
    if (!what) throw new Error(`${key} is nothing that a schedule has.`);
    const eta = withoutNoise.has(name!) ? 0 : 1;
    const timesteps = scheduler.timesteps(Number(steps), eta);
    const level = (timestep: number) =>
      -scheduler.coefficients(timestep, Number(steps), eta).original.output;
    return errorOf(what === 'timesteps' ? timesteps : [...timesteps.map(level), 0], wanted);
  });
  return Math.max(...errors);
}

/** The error of all stochastic steps from one x_t, at the noise level that golden.json has. */
async function stochasticError({ scheduler, parity, golden }: Setting): Promise<number> {
  const settings = await readJson<{
    sde: Record<string, { num_inference_steps: number; noise_level: number }>;
  }>(join(parity, 'golden.json'));
  const { num_inference_steps: steps, noise_level: noiseLevel } =
    settings.sde[golden.name.replace('sde_', '')]!;
  const [images] = golden.get('sample').dims as [number];
  const [sample, output] = [golden.floats('sample').data, golden.floats('model_output').data];
  const timesteps = scheduler.timesteps(steps);
  const errors = timesteps.flatMap((timestep, i) => {
    const at = (key: string) => {
      const { data } = golden.floats(key);
      const size = data.length / steps;
      return data.subarray(i * size, (i + 1) * size);
    };
    const coefficients = scheduler.coefficients(timestep, steps, noiseLevel);
    const taken = takeStep(coefficients, images, { sample, output, noise: at('noise') });
    const { mean } = predictedMean(coefficients, sample, output);
    const error = (values: ArrayLike<number>, key: string) =>
      errorOf(values, float32([at(key).length], at(key)));
    return [
      error(mean, 'prev_sample_mean'),
      error([coefficients.sigma], 'std'),
      error(taken.previous, 'prev_sample'),
      error(taken.logProbabilities ?? [], 'log_prob'),
    ];
  });
  return Math.max(...errors, errorOf(timesteps, golden.get('timesteps')));
}

function errorOf(values: ArrayLike<number>, wanted: Tensor): number {
  const numbers = numbersOf(wanted);
  return relativeError(
    float32([values.length], Float32Array.from(values)),
    float32([numbers.length], Float32Array.from(numbers)),
  );
}
