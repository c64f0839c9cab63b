import { describe, expect, it } from 'vitest';
import { FlowScheduler } from '@/trainer/diffusion/schedulers/flow';
import { flowConfigSchema } from '@/trainer/diffusion/schedulers/flow-config';
import { noised } from '@/trainer/diffusion/schedulers/noising';
import { predictedMean, takeStep } from '@/trainer/diffusion/schedulers/step';

const scheduler = (config: Record<string, unknown> = {}, imageTokens?: number) =>
  new FlowScheduler(
    flowConfigSchema.parse({ _class_name: 'FlowMatchEulerDiscreteScheduler', ...config }),
    imageTokens,
  );

const levelsOf = (flow: FlowScheduler, steps: number) =>
  flow.timesteps(steps).map((timestep) => timestep / 1000);

describe('levels', () => {
  it('go from pure noise evenly, or shifted towards noise', () => {
    expect(levelsOf(scheduler(), 3)).toEqual([1, 0.5005, 0.001].map((x) => expect.closeTo(x, 6)));
    // 3x / (1 + 2x), of levels that end where the first shift has put 0.001.
    const least = 0.003 / 1.002;
    const wanted = [1, (1 + least) / 2, least].map((x) => (3 * x) / (1 + 2 * x));
    expect(levelsOf(scheduler({ shift: 3 }), 3)).toEqual(wanted.map((x) => expect.closeTo(x, 6)));
  });

  it('are shifted by the size of the image where the file says so', () => {
    const dynamic = { use_dynamic_shifting: true };
    // Halfway between 256 and 4096 tokens lies halfway between the shifts 0.5 and 1.15.
    const flow = scheduler(dynamic, 2176);
    const mu = 0.825;
    expect(levelsOf(flow, 3)[1]).toBeCloseTo(Math.exp(mu) / (Math.exp(mu) + 1 / 0.5005 - 1), 6);
    expect(flow.text).toContain('shifted by 2.282 for this size');
    const linear = scheduler({ ...dynamic, time_shift_type: 'linear' }, 2176);
    expect(levelsOf(linear, 3)[1]).toBeCloseTo(mu / (mu + 1 / 0.5005 - 1), 6);
    expect(() => scheduler(dynamic)).toThrow(/does not say it by sample_size and patch_size/);
    expect(() => scheduler({ ...dynamic, time_shift_type: 'linear', base_shift: -9 }, 256)).toThrow(
      /which for 256 is -9: a shift is above 0/,
    );
    expect(() => scheduler({ ...dynamic, max_image_seq_len: 256 }, 1024)).toThrow(/a shift is/);
  });

  it('may be stretched to an end, or spaced as Karras or exponentially between the ends', () => {
    const stretched = levelsOf(scheduler({ shift_terminal: 0.1 }), 4);
    expect(stretched[0]).toBe(1);
    expect(stretched[3]).toBeCloseTo(0.1, 6);
    expect(stretched[1]! - stretched[2]!).toBeCloseTo(0.3, 6);
    const exponential = levelsOf(scheduler({ use_exponential_sigmas: true }), 4);
    expect(exponential).toEqual([1, 0.1, 0.01, 0.001].map((x) => expect.closeTo(x, 6)));
    const karras = scheduler({ use_karras_sigmas: true });
    expect(levelsOf(karras, 3)[1]).toBeCloseTo(((1 + 0.001 ** (1 / 7)) / 2) ** 7, 6);
    expect(karras.text).toContain('Karras between first and last');
  });

  it('are as many as steps that there can be', () => {
    expect(scheduler().timesteps(1)).toEqual([1000]);
    expect(scheduler({ shift_terminal: 0.1 }).timesteps(1)).toEqual([1000]);
    expect(() => scheduler().timesteps(0)).toThrow('0 inference steps: give an integer between 1');
    expect(() => scheduler().timesteps(1001)).toThrow('between 1 and 1000');
  });
});

describe('a step', () => {
  const flow = scheduler({ shift: 3 });
  const [x, v] = [Float32Array.of(0.3, -1.2), Float32Array.of(0.7, 0.1)];

  it('without noise is Euler’s', () => {
    const timesteps = flow.timesteps(5);
    for (const [i, timestep] of timesteps.entries()) {
      const coefficients = flow.coefficients(timestep, 5, 0);
      const distance = ((timesteps[i + 1] ?? 0) - timestep) / 1000;
      const step = takeStep(coefficients, 1, { sample: x, output: v, noise: x });
      expect(step.previous[0]).toBeCloseTo(0.3 + distance * 0.7, 6);
      expect(step.logProbabilities).toBeUndefined();
    }
  });

  it('with noise keeps what the flow has of image and noise, to first order', () => {
    // From x_t of an image and a noise, exactly told: x_t' is distributed as noised images are.
    const [image, noise] = [0.4, -0.9];
    for (const steps of [50, 400]) {
      for (const timestep of flow.timesteps(steps).slice(1, -1)) {
        const level = timestep / 1000;
        const { signal, direction, sigma, previousTimestep } = flow.coefficients(
          timestep,
          steps,
          0.7,
        );
        const next = previousTimestep / 1000;
        expect(signal).toBeCloseTo(1 - next, 6);
        // Its noise has the variance σ'², but for the square of a step.
        const distance = level - next;
        const rest = direction ** 2 + sigma ** 2 - next ** 2;
        expect(Math.abs(rest)).toBeLessThan((distance / (1 - level)) ** 2);
        const sample = (1 - level) * image + level * noise;
        const { original } = predictedMean(
          flow.coefficients(timestep, steps, 0.7),
          Float32Array.of(sample),
          Float32Array.of(noise - image),
        );
        expect(original[0]).toBeCloseTo(image, 5);
      }
    }
  });

  it('says its mean as a mix of x_t and velocity', () => {
    for (const timestep of flow.timesteps(5)) {
      const coefficients = flow.coefficients(timestep, 5, 0.7);
      const { mean } = predictedMean(coefficients, x, v);
      const mix = coefficients.mean.sample * 0.3 + coefficients.mean.output * 0.7;
      expect(mix).toBeCloseTo(mean[0]!, 6);
    }
  });

  it('has noise and a density everywhere, also where nothing but noise is left', () => {
    for (const timestep of flow.movingTimesteps(2)) {
      expect(flow.coefficients(timestep, 2, 1).sigma).toBeGreaterThan(0);
    }
  });

  it('is one of the schedule’s, at a level of noise that there is', () => {
    expect(() => flow.coefficients(500, 5, 0.7)).toThrow('Timestep 500 is none of the 5 steps');
    expect(() => flow.coefficients(1000, 5, 1.1)).toThrow('eta is 1.1');
  });
});

describe('finished latents', () => {
  const [image, noise] = [Float32Array.of(1, -2), Float32Array.of(0.5, 3)];

  it('are noised on the straight way, and the network is to say its direction', () => {
    const { latents, target } = noised(scheduler(), 250, image, noise);
    expect([...latents]).toEqual([0.875, -0.75]);
    expect([...target]).toEqual([-0.5, 5]);
    expect(noised(scheduler(), 1000, image, noise).latents).toEqual(noise);
    expect(() => noised(scheduler(), 1001, image, noise)).toThrow('from 0 to 1000');
  });

  it('are noised most often to the middle, as far as the file shifts it', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    for (const [shift, middle] of [
      [1, 500],
      [3, 750],
    ] as const) {
      const flow = scheduler({ shift });
      const drawn = Array.from({ length: 4000 }, () => flow.trainingTimestep(random)).sort(
        (a, b) => a - b,
      );
      expect(drawn[0]).toBeGreaterThan(0);
      expect(drawn.at(-1)).toBeLessThanOrEqual(1000);
      expect(Math.abs(drawn[2000]! - middle)).toBeLessThan(15);
      // The quartiles of a normal are at ±0.6745.
      const quartile = 1 / (1 + Math.exp(-0.6745));
      const shifted = (1000 * shift * quartile) / (1 + (shift - 1) * quartile);
      expect(Math.abs(drawn[3000]! - shifted)).toBeLessThan(15);
    }
    expect(scheduler().trainingTimestep(() => 1 - 2 ** -32)).toBeGreaterThan(0);
    expect(scheduler().trainingTimestep(() => 0)).toBeGreaterThan(0);
  });
});
