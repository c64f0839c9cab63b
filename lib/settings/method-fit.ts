import { asksPeople, type DrawingMethod, isDrawingMethod, type Method, trainsBy } from '../methods';
import type { RunMode } from '../runs';
import { ddpoProblem } from './policy-gradient';
import { draftPlusProblem } from './reward-methods';
import { drawOf, type RunConfig, trainedTimesteps } from './run-config';
import { leastEta } from './sampling';
import { spoProblem } from './spo';

/** What only one method asks of its settings: each check stands beside them. */
const own: { [M in Method]?: (config: RunConfig) => string | null } = {
  'draft-plus': draftPlusProblem,
  ddpo: ddpoProblem,
  spo: (config) => spoProblem(config, trainedTimesteps(config)[0]),
};

/**
 * Why a method cannot run so, with the remedy; null where it can. Said before anything is drawn for
 * it. Whether a pipeline is of a diffusion or of a flow makes no difference: both have steps with a
 * density, an estimate of the image and a way to noise it.
 */
export function methodProblem(method: Method, mode: RunMode, config: RunConfig): string | null {
  const { eta, sharedNoise } = config.sampling;
  if (trainsBy(method, 'pairs') && eta < leastEta) {
    return `sampling.eta is ${eta}, but ${method} compares probabilities of noisy steps. Set it to at least ${leastEta}.`;
  }
  if (asksPeople(method) && eta === 0 && sharedNoise) {
    return 'sampling.eta is 0 and sampling.sharedNoise is on, so the images that people compare would be the same. Turn sharedNoise off, or set eta above 0.';
  }
  if (!asksPeople(method) && mode === 'online' && config.serving.maxRounds === 0) {
    return `An online run of ${method} waits for nobody, so it would never stop. Set serving.maxRounds, or start a single round.`;
  }
  const drawing = isDrawingMethod(method) ? drawingProblem(method, config) : null;
  return drawing ?? own[method]?.(config) ?? null;
}

function drawingProblem(method: DrawingMethod, config: RunConfig): string | null {
  const { sampling, reward, training } = config;
  if (sampling.eta < leastEta) {
    return `sampling.eta is ${sampling.eta}, but ${method} raises the probability of noisy steps. Set it to at least ${leastEta}.`;
  }
  const { stepsPerDraw } = drawOf(method, config);
  if (reward.optimiserSteps % stepsPerDraw === 0) return null;
  return `reward.optimiserSteps is ${reward.optimiserSteps}, but ${method} takes ${stepsPerDraw} steps on each draw (${method}.updatesPerDraw times training.innerEpochs, ${config[method].updatesPerDraw} times ${training.innerEpochs}). Set it to a multiple of ${stepsPerDraw}.`;
}

type Trained = Pick<RunConfig['training'], 'trainables' | 'loraRank' | 'loraAlpha'>;

/** What is trained, in words. */
export function trainedText({ trainables, loraRank, loraAlpha }: Trained): string {
  return trainables === 'full'
    ? trainables
    : `${trainables} of rank ${loraRank} and alpha ${loraAlpha}`;
}

/**
 * Why a round cannot go on from a policy: it has weights of another kind. Null where it can; every
 * method goes on from every other. @param from what the policy trained; undefined for a base
 * policy, from which anything may start
 */
export function lineageProblem(from: Trained | undefined, to: Trained): string | null {
  if (!from || trainedText(from) === trainedText(to)) return null;
  return `The round starts from a policy trained as ${trainedText(from)}, but is configured for ${trainedText(to)}. Set training.trainables, loraRank and loraAlpha alike, or start from the base policy.`;
}
