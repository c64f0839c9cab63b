import { asksPeople, type Method } from '../methods';
import type { RunMode } from '../runs';
import type { RunConfig } from './run-config';

/** Below this the variance of a step is so small that a ratio of probabilities overflows. */
const leastEta = 0.05;

/** Why a method cannot run so, with the remedy; null where it can. Said before anything is drawn for it. */
export function methodProblem(method: Method, mode: RunMode, config: RunConfig): string | null {
  const { eta } = config.sampling;
  if (asksPeople(method)) {
    if (eta >= leastEta) return null;
    return `sampling.eta is ${eta}, but ${method} compares probabilities of noisy steps. Set it to at least ${leastEta}.`;
  }
  if (mode === 'online' && config.serving.maxRounds === 0) {
    return `An online run of ${method} waits for nobody, so it would never stop. Set serving.maxRounds, or start a single round.`;
  }
  if (method === 'draft-plus' && config[method].klForm === 'transition' && eta < leastEta) {
    return `draft-plus.klForm is "transition", but with sampling.eta ${eta} a transition has no density. Set eta to at least ${leastEta}, or take the form "noise".`;
  }
  return null;
}
