/**
 * @file SPO: D3PO's loss on pairs made at every denoising step, of the candidate for the next
 * latents that a reward likes best against the one it likes least. Both come from one x_t, so that
 * nothing but the step tells them apart.
 *
 * Liang et al., "Aesthetic Post-Training Diffusion Models from Generic Preferences with
 * Step-by-step Preference Optimization" (arXiv 2406.04314); RockeyCoss/SPO. What becomes a pair:
 * `spo/choice.ts`; how it is drawn: `spo/draw.ts`.
 */
import { type D3poSettings, d3po } from './d3po';
import type { ChoiceSettings } from './spo/choice';
import type { StepPairsMethod } from './spo/method';

export function spo(choice: ChoiceSettings, loss: D3poSettings): StepPairsMethod {
  return { choice, loss: { ...d3po(loss), name: 'SPO' } };
}
