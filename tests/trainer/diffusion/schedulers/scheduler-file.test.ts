import { expect, it } from 'vitest';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { FlowScheduler } from '@/trainer/diffusion/schedulers/flow';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';

const opened = (file: object) => schedulerOf(schedulerFileSchema.parse(file));

const sana = {
  _class_name: 'DPMSolverMultistepScheduler',
  use_flow_sigmas: true,
  prediction_type: 'flow_prediction',
  flow_shift: 3,
  shift: 7,
  timestep_spacing: 'linspace',
};

it('opens a diffusion or a flow, whichever class says it', () => {
  expect(opened({})).toBeInstanceOf(DdimScheduler);
  expect(opened({ _class_name: 'DPMSolverMultistepScheduler' })).toBeInstanceOf(DdimScheduler);
  expect(opened({ _class_name: 'FlowMatchHeunDiscreteScheduler' })).toBeInstanceOf(FlowScheduler);
  for (const _class_name of [sana._class_name, 'UniPCMultistepScheduler']) {
    expect(opened({ ...sana, _class_name })).toBeInstanceOf(FlowScheduler);
  }
});

it('says what is made of a flow', () => {
  expect(opened({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }).text).toBe(
    'FlowMatchEulerDiscreteScheduler, sampled by flow matching (its own steps); velocity predicted, 1000 training steps; noise levels shifted by 3; eta is the noise level of a step: 0.7 in Flow-GRPO, 0 for Euler’s steps',
  );
  expect(opened(sana).text).toContain(
    '(another solver of the same flow); velocity predicted, 1000 training steps; noise levels shifted by 3;',
  );
});

it.each([
  [{ ...sana, use_flow_sigmas: false }, 'use_flow_sigmas is false and prediction_type flow_pred'],
  [{ ...sana, prediction_type: 'epsilon' }, 'use_flow_sigmas is true and prediction_type epsilon'],
  [{ _class_name: 'FlowMatchLCMScheduler' }, 'FlowMatchLCMScheduler belongs to a distilled'],
  [{ ...sana, _class_name: 'SCMScheduler' }, 'SCMScheduler belongs to a distilled'],
  [{ ...sana, _class_name: 'Made' }, 'Made is no scheduler that Darkroom knows'],
  [{ _class_name: 'FlowMatchEulerDiscreteScheduler', invert_sigmas: true }, 'from images to noise'],
  [{ _class_name: 'FlowMatchEulerDiscreteScheduler', stochastic_sampling: true }, 'anew'],
  [{ _class_name: 'FlowMatchEulerDiscreteScheduler', use_beta_sigmas: true }, 'beta-distributed'],
  [{ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 0 }, 'shift'],
  [
    { ...sana, use_karras_sigmas: true, use_exponential_sigmas: true },
    'use_karras_sigmas and use_exponential_sigmas exclude each other',
  ],
  [{ _class_name: 'MadeUpScheduler' }, 'MadeUpScheduler is no scheduler'],
  [{ prediction_type: 'v' }, 'prediction_type: v is nothing'],
])('refuses what cannot be followed: %j', (file, reason) => {
  const parsed = schedulerFileSchema.safeParse(file);
  const issues = parsed.error!.issues.map(({ path, message }) => `${path}: ${message}`);
  expect(issues.join()).toContain(reason);
});
