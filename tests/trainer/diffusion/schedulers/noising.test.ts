import { expect, it } from 'vitest';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { noised, spreadAt } from '@/trainer/diffusion/schedulers/noising';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';

const original = gaussianNoise('x_0', 64);
const noise = gaussianNoise('noise', 64);

it.each(['epsilon', 'v_prediction', 'sample'] as const)(
  'a UNet that says the target of %s has said both image and noise',
  (prediction_type) => {
    const scheduler = new DdimScheduler(
      scheduleConfigSchema.parse({ prediction_type, clip_sample: false }),
    );
    for (const timestep of [0, 1, 250, 999]) {
      const { latents, target } = noised(scheduler, timestep, original, noise);
      const step = scheduler.coefficients(timestep, 1000, 0);
      // Where little of it is left in x_t, the image is read less exactly; so is the noise where
      // there is little.
      const digits = 3;
      for (let i = 0; i < latents.length; i++) {
        const [x, out] = [latents[i]!, target[i]!];
        expect(step.original.sample * x + step.original.output * out).toBeCloseTo(
          original[i]!,
          digits,
        );
        expect(step.noise.sample * x + step.noise.output * out).toBeCloseTo(noise[i]!, digits);
      }
    }
  },
);

it('knows how far an error of the output moves the image that it implies', () => {
  const ddim = (prediction_type: 'epsilon' | 'v_prediction' | 'sample') =>
    new DdimScheduler(scheduleConfigSchema.parse({ prediction_type, clip_sample: false }));
  for (const scheduler of [ddim('epsilon'), ddim('v_prediction'), ddim('sample')]) {
    for (const timestep of [1, 250, 999]) {
      const { original: implied } = scheduler.coefficients(timestep, 1000, 0);
      expect(spreadAt(scheduler, timestep) / Math.abs(implied.output)).toBeCloseTo(1, 6);
    }
  }
  const flow = schedulerOf(
    schedulerFileSchema.parse({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 1 }),
  );
  // Along a flow it is t itself.
  expect(spreadAt(flow, 250)).toBeCloseTo(0.25, 6);
});

it('keeps variance, and goes from image to noise', () => {
  const scheduler = new DdimScheduler(scheduleConfigSchema.parse({}));
  const distance = (timestep: number, to: Float32Array) => {
    const { latents } = noised(scheduler, timestep, original, noise);
    return latents.reduce((sum, x, i) => sum + (x - to[i]!) ** 2, 0);
  };
  expect(distance(0, original)).toBeLessThan(0.1);
  expect(distance(999, noise)).toBeLessThan(0.1);
  expect(() => noised(scheduler, 1000, original, noise)).toThrow(/between 0 and 999/);
});
