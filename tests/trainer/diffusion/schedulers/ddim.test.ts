import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { goldenFolder, goldenTensor, worstRelativeError } from '@/tests/support/golden';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema, scheduleText } from '@/trainer/diffusion/schedulers/schedule';
import { predictedMean, takeStep } from '@/trainer/diffusion/schedulers/step';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { toFloat32 } from '@/trainer/graph/float16';

const stableDiffusion = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
  clip_sample: false,
};

const scheduler = (config: Record<string, unknown> = {}) =>
  new DdimScheduler(scheduleConfigSchema.parse({ ...stableDiffusion, ...config }));

describe('against PyTorch', () => {
  it('takes the 20 steps of the official function', async () => {
    const folder = goldenFolder;
    const path = join(folder, 'tiny-sd/scheduler/scheduler_config.json');
    const ddim = new DdimScheduler(
      scheduleConfigSchema.parse(JSON.parse(await readFile(path, 'utf8'))),
    );
    const { tensors } = await readSafetensors(join(folder, 'parity/ddim.safetensors'));
    const golden = (name: string, step?: number) => {
      const data = toFloat32(goldenTensor(tensors, name));
      const stride = data.length / 20;
      return step === undefined ? data : data.subarray(step * stride, (step + 1) * stride);
    };
    const timesteps = ddim.timesteps(20);
    expect(timesteps).toEqual([...golden('timesteps')]);
    for (const [step, timestep] of timesteps.entries()) {
      const result = takeStep(ddim.coefficients(timestep, 20, 1), 2, {
        sample: golden('sample'),
        output: golden('model_output'),
        noise: golden('noise', step),
      });
      const errors = [
        worstRelativeError(result.previous, golden('prev_sample', step)),
        worstRelativeError(result.original, golden('pred_original_sample', step)),
        worstRelativeError(result.logProbabilities ?? [], golden('log_prob', step)),
      ];
      expect(Math.max(...errors)).toBeLessThan(1e-5);
    }
  });
});

describe('timesteps', () => {
  const steps = (spacing: string, count: number, offset = 0) =>
    scheduler({ timestep_spacing: spacing, steps_offset: offset }).timesteps(count);

  it('follow the three spacings', () => {
    expect(steps('leading', 4, 1)).toEqual([751, 501, 251, 1]);
    expect(steps('trailing', 4)).toEqual([999, 749, 499, 249]);
    expect(steps('linspace', 4)).toEqual([999, 666, 333, 0]);
    expect(steps('trailing', 1)).toEqual([999]);
  });

  it('stay inside the schedule', () => {
    expect(Math.max(...steps('leading', 1000, 1))).toBe(999);
    expect(() => steps('leading', 0)).toThrow('0 inference steps: give an integer between 1');
    expect(() => steps('leading', 1001)).toThrow('between 1 and 1000');
  });
});

describe('steps that lead to less noise', () => {
  const moving = (config: Record<string, unknown>, count: number) => {
    const ddim = scheduler(config);
    const kept = ddim.movingTimesteps(count);
    // What is kept can be trained, and what is left out moves nothing.
    for (const [i, timestep] of ddim.timesteps(count).entries()) {
      const { sigma, previousTimestep } = ddim.coefficients(timestep, count, 1);
      expect(sigma > 0).toBe(i < kept.length);
      expect(previousTimestep < timestep).toBe(i < kept.length);
    }
    return kept;
  };

  it('are all but the last where a schedule ends at t = 0', () => {
    expect(moving({ steps_offset: 0 }, 4)).toEqual([750, 500, 250]);
    expect(moving({ timestep_spacing: 'linspace' }, 4)).toEqual([999, 666, 333]);
    expect(moving({ timestep_spacing: 'trailing' }, 1000)).toHaveLength(999);
  });

  it('are all where it does not', () => {
    expect(moving({ steps_offset: 1 }, 20)).toHaveLength(20);
    expect(moving({ timestep_spacing: 'trailing' }, 20)).toHaveLength(20);
  });

  it('must be there', () => {
    const still = { trained_betas: [0.5, ...Array(999).fill(1e-30)] };
    expect(() => scheduler(still).movingTimesteps(2)).toThrow(
      'first of 2 inference steps, at t = 501, stays at its noise level',
    );
  });

  it('start from noise, also where there is one only', () => {
    expect(moving({ timestep_spacing: 'trailing' }, 1)).toEqual([999]);
    for (const timestep_spacing of ['leading', 'linspace']) {
      expect(() => scheduler({ timestep_spacing }).movingTimesteps(1)).toThrow(
        /With timesteps spaced \w+, 1 inference step is at t = [01], .*timestep_spacing is trailing/,
      );
    }
  });
});

it('takes the steps of Euler’s ancestral sampler at eta 1', () => {
  // In σ = √((1−ᾱ)/ᾱ), of x/√ᾱ: σ_up² = σ'²(σ²−σ'²)/σ², and x goes to x̂0 + √(σ'²−σ_up²)·ε̂.
  const ddim = scheduler({ timestep_spacing: 'trailing' });
  for (const timestep of [999, 749, 499]) {
    const { signal, direction, sigma, original, previousTimestep } = ddim.coefficients(
      timestep,
      4,
      1,
    );
    const next = 1 - ddim.alphaBar(previousTimestep);
    const [from, to] = [-original.output, Math.sqrt(next / (1 - next))];
    const up = (to * Math.sqrt(from ** 2 - to ** 2)) / from;
    expect(sigma / signal).toBeCloseTo(up, 5);
    expect(direction / signal).toBeCloseTo(Math.sqrt(to ** 2 - up ** 2), 5);
  }
});

describe('coefficients', () => {
  it('are those published for Stable Diffusion', () => {
    const ddim = scheduler();
    const table = [
      [951, 0.644, -0.55],
      [451, 0.402, -0.25],
      [51, 0.0406, -0.2205],
      [1, 0.0206, -0.0207],
    ] as const;
    for (const [timestep, sigma, c] of table) {
      const got = ddim.coefficients(timestep, 20, 1);
      expect(got.sigma).toBeCloseTo(sigma, 3);
      expect(got.mean.output).toBeCloseTo(c, 3);
    }
  });

  it('say the mean of the step for every prediction type', () => {
    const sample = Float32Array.of(0.3, -1.2);
    const output = Float32Array.of(0.7, 0.1);
    for (const prediction_type of ['epsilon', 'sample', 'v_prediction']) {
      const coefficients = scheduler({ prediction_type }).coefficients(451, 20, 1);
      const { mean } = predictedMean(coefficients, sample, output);
      for (const i of [0, 1]) {
        const { sample: a, output: b } = coefficients.mean;
        expect(a * sample[i]! + b * output[i]!).toBeCloseTo(mean[i]!, 6);
      }
    }
  });

  it('give one step whatever the output stands for', () => {
    // The same prediction said as noise, as clean image and as velocity.
    const [alpha, x, noise] = [scheduler().alphaBar(451), 0.4, 0.9];
    const clean = (x - Math.sqrt(1 - alpha) * noise) / Math.sqrt(alpha);
    const velocity = Math.sqrt(alpha) * noise - Math.sqrt(1 - alpha) * clean;
    const said = { epsilon: noise, sample: clean, v_prediction: velocity };
    const means = Object.entries(said).map(([prediction_type, output]) => {
      const coefficients = scheduler({ prediction_type }).coefficients(451, 20, 1);
      return predictedMean(coefficients, Float32Array.of(x), Float32Array.of(output)).mean[0];
    });
    expect(means[1]).toBeCloseTo(means[0]!, 5);
    expect(means[2]).toBeCloseTo(means[0]!, 5);
  });

  it('have no noise and no density at eta 0', () => {
    const coefficients = scheduler().coefficients(451, 20, 0);
    const one = Float32Array.of(1);
    const step = takeStep(coefficients, 1, { sample: one, output: one, noise: one });
    expect(coefficients.sigma).toBe(0);
    expect(step.logProbabilities).toBeUndefined();
    expect(step.previous).toEqual(predictedMean(coefficients, one, one).mean);
  });

  it('refuse what is outside', () => {
    expect(() => scheduler().coefficients(1000, 20, 1)).toThrow('Timestep 1000 is outside');
    expect(() => scheduler().coefficients(1, 20, 2)).toThrow('eta is 2');
  });
});

describe('schedules', () => {
  it('clip the clean image where the file says so', () => {
    const coefficients = scheduler({ clip_sample: true, clip_sample_range: 0.5 });
    const { original } = predictedMean(
      coefficients.coefficients(451, 20, 1),
      Float32Array.of(9, -9),
      Float32Array.of(0, 0),
    );
    expect([...original]).toEqual([0.5, -0.5]);
  });

  it('can end in pure noise', () => {
    const ddim = scheduler({
      rescale_betas_zero_snr: true,
      prediction_type: 'v_prediction',
      timestep_spacing: 'trailing',
    });
    expect(ddim.alphaBar(999)).toBe(0);
    expect(ddim.alphaBar(0)).toBeCloseTo(scheduler().alphaBar(0), 6);
    const { original } = predictedMean(
      ddim.coefficients(999, 20, 1),
      Float32Array.of(1),
      Float32Array.of(0.5),
    );
    expect(original[0]).toBeCloseTo(-0.5, 6);
    expect(() => scheduler({ rescale_betas_zero_snr: true })).toThrow('use v_prediction');
  });

  it('come in three shapes, falling from almost 1', () => {
    for (const beta_schedule of ['linear', 'scaled_linear', 'squaredcos_cap_v2']) {
      const ddim = scheduler({ beta_schedule });
      expect(ddim.alphaBar(0)).toBeGreaterThan(0.999);
      expect(ddim.alphaBar(999)).toBeLessThan(0.01);
      expect(ddim.alphaBar(400)).toBeLessThan(ddim.alphaBar(399));
    }
    expect(scheduler({ trained_betas: Array(1000).fill(0.5) }).alphaBar(1)).toBe(0.25);
    expect(() => scheduler({ trained_betas: [0.5] })).toThrow('1 trained_betas for 1000');
  });

  it('never clip latents unless the file says so', () => {
    for (const _class_name of ['PNDMScheduler', 'DDIMScheduler', 'DDPMScheduler']) {
      const silent = scheduleConfigSchema.parse({ _class_name });
      expect(new DdimScheduler(silent).clip).toBe(Number.POSITIVE_INFINITY);
      expect(scheduleText(silent)).toMatch(/nothing is clipped$/);
      const told = scheduleConfigSchema.parse({ _class_name, clip_sample: true });
      expect(new DdimScheduler(told).clip).toBe(1);
      expect(scheduleText(told)).toMatch(/clipped to ±1$/);
    }
  });

  it('take the defaults of their class', () => {
    const spacing = (name: string) =>
      scheduleConfigSchema.parse({ _class_name: name }).timestep_spacing;
    for (const name of ['DDIMScheduler', 'DDPMScheduler', 'PNDMScheduler']) {
      expect(spacing(name)).toBe('leading');
    }
    for (const name of ['Euler', 'EulerAncestral', 'LMS', 'Heun', 'KDPM2']) {
      expect(spacing(`${name}DiscreteScheduler`)).toBe('linspace');
    }
    for (const name of ['DPMSolver', 'UniPC', 'DEIS']) {
      expect(spacing(`${name}MultistepScheduler`)).toBe('linspace');
    }
    const betas = (name: string) => {
      const { beta_start, beta_end } = scheduleConfigSchema.parse({ _class_name: name });
      return [beta_start, beta_end];
    };
    expect(betas('DDIMScheduler')).toEqual([0.0001, 0.02]);
    expect(betas('HeunDiscreteScheduler')).toEqual([0.00085, 0.012]);
    expect(betas('EulerDiscreteScheduler')).toEqual([0.0001, 0.02]);
  });

  it('are followed where a solver shares the noise schedule, which is said', () => {
    const text = (config: object) => scheduleText(scheduleConfigSchema.parse(config));
    expect(text({ ...stableDiffusion, _class_name: 'PNDMScheduler' })).toBe(
      'PNDMScheduler, sampled by DDIM (another solver of the same noise schedule); 1000 training steps, scaled_linear betas from 0.00085 to 0.012; epsilon predicted; steps spaced leading with offset 1; nothing is clipped',
    );
    expect(
      text({
        _class_name: 'DPMSolverMultistepScheduler',
        timestep_spacing: 'trailing',
        prediction_type: 'v_prediction',
        use_karras_sigmas: true,
        use_flow_sigmas: false,
        thresholding: false,
      }),
    ).toContain('v_prediction predicted; steps spaced trailing, not by Karras noise levels');
    expect(text({ ...stableDiffusion, rescale_betas_zero_snr: true })).toContain('pure noise');
    const ancestral = { _class_name: 'EulerAncestralDiscreteScheduler' };
    expect(text(ancestral)).toContain('DDIM at eta 1 takes its steps');
    expect(text(ancestral)).not.toContain('turbo');
    expect(text({ ...ancestral, timestep_spacing: 'trailing' })).toContain(
      'turbo models come with such a file: draw those in 1 to 4 steps',
    );
    expect(text({ trained_betas: Array(1000).fill(0.5) })).toContain('betas as listed');
  });

  it.each([
    [{ _class_name: 'LCMScheduler', original_inference_steps: 50 }, 'distilled network'],
    [{ _class_name: 'EDMEulerScheduler' }, 'counts noise by σ'],
    [{ _class_name: 'UnCLIPScheduler' }, 'unCLIP'],
    [{ _class_name: 'MadeUpScheduler' }, 'MadeUpScheduler is no scheduler that Darkroom knows'],
    [
      { _class_name: 'DPMSolverMultistepScheduler', prediction_type: 'flow_prediction' },
      'flow_prediction is nothing that DDIM can step with',
    ],
    [{ _class_name: 'EulerDiscreteScheduler', timestep_type: 'continuous' }, 'logarithm of σ'],
    [{ thresholding: true }, 'dynamic thresholding is for pixels'],
    [{ beta_schedule: 'sigmoid' }, 'beta_schedule: sigmoid betas are not followed'],
  ])('are refused when DDIM cannot follow them: %j', (config, reason) => {
    const parsed = scheduleConfigSchema.safeParse(config);
    expect(parsed.success).toBe(false);
    const issues = parsed.error!.issues.map(({ path, message }) => `${path}: ${message}`);
    expect(issues.join()).toContain(reason);
  });
});
