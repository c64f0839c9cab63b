import { leastEta } from './sampling';
import { real, type SettingProblem } from './setting';

/** FDFO's own settings (arXiv 2603.12893). */
export const fdfoSettings = {
  bound: real({
    label: 'Bound',
    explanation:
      'How far a prediction goes for one answer: where only one is trained on, its ratio ends this much beside 1. The bound is soft.',
    default: 0.03,
    min: 1e-6,
    max: 0.99,
  }),
} as const;

/** Why FDFO cannot run so, with the remedy. */
export function fdfoProblem({
  sampling: { eta, sharedNoise },
}: {
  sampling: { eta: number; sharedNoise: boolean };
}): SettingProblem | null {
  if (sharedNoise || eta < leastEta) return null;
  return {
    at: 'sampling.sharedNoise',
    says: 'FDFO moves a prediction along the difference of two images of one x_T; from two starts that difference says little. Turn “Same starting noise” on.',
  };
}
