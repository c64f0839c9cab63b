import type { Presets } from './presets';

/**
 * What suits any pipeline of flow matching. Numbers: yifan123/flow_grpo `config/base.py` and
 * `config/dpo.py`.
 */
export const flowPresets: Presets = {
  flow: {
    label: 'Flow matching',
    explanation: 'As Flow-GRPO draws and compares with Stable Diffusion 3.5; the rest is official.',
    methods: null,
    departures: {
      sampling: {
        eta: {
          value: 0.7,
          because: 'The noise level of Flow-GRPO: more of it, and images stay noisy in few steps.',
        },
        guidanceScale: { value: 4.5, because: 'As Flow-GRPO has it for Stable Diffusion 3.5.' },
      },
      'diffusion-dpo': {
        beta: {
          value: 100,
          because: 'A velocity is off by more than a noise is: Flow-GRPO’s own number for it.',
        },
      },
    },
  },
};
