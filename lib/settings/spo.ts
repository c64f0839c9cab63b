import { d3poSettings } from './d3po';
import { integer, real, type SettingProblem, type ValuesOf } from './setting';

/**
 * Liang et al. (arXiv 2406.04314); numbers as RockeyCoss/SPO has them for Stable Diffusion 1.5,
 * `configs/`.
 */
export const spoSettings = {
  candidates: integer({
    label: 'Candidates per step',
    explanation:
      'So many next latents are drawn from each step; the best and the worst are a pair.',
    default: 4,
    min: 2,
    max: 64,
  }),
  startStep: integer({
    label: 'First step with pairs',
    explanation:
      'Earlier steps are taken without comparing: what an image becomes cannot be seen there yet. 0 is the noisiest.',
    default: 4,
    min: 0,
    max: 999,
  }),
  threshold: real({
    label: 'Threshold',
    explanation:
      'A pair counts where the reward’s probabilities of preferring one and the other differ by more than this.',
    default: 0.3,
    min: 0,
    max: 0.999,
  }),
  scoreScale: real({
    label: 'Score scale',
    explanation:
      'A reward times this is the logit of a preference. 1 suits a reward learned from picks; one that differs by hundredths needs 100.',
    default: 1,
    min: 1e-6,
    max: 1e6,
  }),
  updatesPerDraw: integer({
    label: 'Steps per draw',
    explanation:
      'Optimiser steps over which the pairs of a draw are spread. Official: one for every ten pairs.',
    default: 10,
    min: 1,
    max: 1000,
    unit: 'steps',
  }),
  beta: { ...d3poSettings.beta, default: 10 },
  clipForm: d3poSettings.clipForm,
  clipRange: d3poSettings.clipRange,
  capLoser: d3poSettings.capLoser,
  capMargin: d3poSettings.capMargin,
} as const;

/** Why SPO cannot run so, with the remedy. @param eligible steps that training leaves it */
export function spoProblem(
  {
    spo: { startStep },
    training: { timestepFraction },
  }: {
    spo: Pick<ValuesOf<typeof spoSettings>, 'startStep'>;
    training: { timestepFraction: number };
  },
  eligible: number,
): SettingProblem | null {
  if (startStep >= eligible) {
    return {
      at: 'spo.startStep',
      says: `It is ${startStep}, but the noisiest share leaves the steps 0 to ${eligible - 1}, so no pair would ever be formed. Set it to at most ${eligible - 1}, or raise the noisiest share under Training.`,
    };
  }
  if (timestepFraction === 1) return null;
  return {
    at: 'training.timestepFraction',
    says: `It is ${timestepFraction}, but SPO forms pairs at every step from the first one with pairs on. Set it to 1, and choose steps by that and by the noisiest share.`,
  };
}
