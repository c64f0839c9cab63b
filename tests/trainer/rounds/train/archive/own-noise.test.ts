import { expect, it } from 'vitest';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { latentsAt, type Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { noised } from '@/trainer/diffusion/schedulers/noising';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';
import { float32 } from '@/trainer/graph/tensor';
import { pathNoise } from '@/trainer/rounds/train/archive/own-noise';

const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };

it.each([
  ['a diffusion', new DdimScheduler(scheduleConfigSchema.parse({ clip_sample: false }))],
  ['a flow', schedulerOf(schedulerFileSchema.parse(flow))],
] as [string, Scheduler][])(
  'noised with the noise of its path, an image is back on it: %s',
  (_, scheduler) => {
    const steps = 5;
    const timesteps = scheduler.timesteps(steps, 1);
    const trajectory: Trajectory = {
      prompt: 'any',
      seed: 1,
      noiseSeed: 1,
      settings: { steps, eta: 1, guidance: 1 },
      timesteps,
      latents: float32([steps + 1, 1, 2, 2], gaussianNoise('path', (steps + 1) * 4)),
      logProbabilities: new Float64Array(steps),
    };
    const finished = latentsAt(trajectory, steps);
    for (const [step, timestep] of timesteps.entries()) {
      const noise = pathNoise(scheduler, trajectory, step);
      const { latents } = noised(scheduler, timestep, finished, noise);
      for (const [i, x] of latentsAt(trajectory, step).entries()) {
        expect(latents[i]).toBeCloseTo(x, 4);
      }
    }
  },
);
