import { asksPeople, type DrawingMethod, isDrawingMethod, type Method } from '../methods';
import type { RunMode } from '../runs';
import { drawOf, type RunConfig, trainedTimesteps } from './run-config';

/** Below this the variance of a step is so small that a ratio of probabilities overflows. */
const leastEta = 0.05;

/**
 * Why a method cannot run so, with the remedy; null where it can. Said before anything is drawn for
 * it.
 */
export function methodProblem(method: Method, mode: RunMode, config: RunConfig): string | null {
  const { eta } = config.sampling;
  if (asksPeople(method)) {
    if (eta >= leastEta) return null;
    return `sampling.eta is ${eta}, but ${method} compares probabilities of noisy steps. Set it to at least ${leastEta}.`;
  }
  if (mode === 'online' && config.serving.maxRounds === 0) {
    return `An online run of ${method} waits for nobody, so it would never stop. Set serving.maxRounds, or start a single round.`;
  }
  if (isDrawingMethod(method)) return drawingProblem(method, config);
  if (method === 'draft-plus' && config[method].klForm === 'transition' && eta < leastEta) {
    return `draft-plus.klForm is "transition", but with sampling.eta ${eta} a transition has no density. Set eta to at least ${leastEta}, or take the form "noise".`;
  }
  return null;
}

function drawingProblem(method: DrawingMethod, config: RunConfig): string | null {
  const { sampling, reward, ddpo, training } = config;
  if (sampling.eta < leastEta) {
    return `sampling.eta is ${sampling.eta}, but ${method} raises the probability of noisy steps. Set it to at least ${leastEta}.`;
  }
  const { stepsPerDraw, imagesPerDraw } = drawOf(method, config);
  if (reward.optimiserSteps % stepsPerDraw !== 0) {
    return `reward.optimiserSteps is ${reward.optimiserSteps}, but ${method} takes ${stepsPerDraw} steps on each draw (${method}.updatesPerDraw times training.innerEpochs, ${config[method].updatesPerDraw} times ${training.innerEpochs}). Set it to a multiple of ${stepsPerDraw}.`;
  }
  if (method === 'spo') return spoProblem(config);
  if (method !== 'ddpo') return null;
  if (imagesPerDraw === 1) {
    return `ddpo compares the images of a draw, but it would draw one. Set reward.imagesPerStep or ddpo.updatesPerDraw to at least 2.`;
  }
  if (ddpo.perPrompt && ddpo.buffer < ddpo.minimum) {
    return `ddpo.minimum is ${ddpo.minimum}, but ddpo.buffer keeps only ${ddpo.buffer} rewards of a prompt, so they would never count. Set the buffer to at least ${ddpo.minimum}.`;
  }
  return null;
}

function spoProblem(config: RunConfig): string | null {
  const { startStep } = config.spo;
  const { timestepFraction } = config.training;
  const [eligible] = trainedTimesteps(config);
  if (startStep >= eligible) {
    return `spo.startStep is ${startStep}, but training.noisiestShare leaves the steps 0 to ${eligible - 1}, so no pair would ever be formed. Set startStep to at most ${eligible - 1}, or raise noisiestShare.`;
  }
  if (timestepFraction === 1) return null;
  return `training.timestepFraction is ${timestepFraction}, but spo forms pairs at every step from spo.startStep on. Set it to 1, and choose steps by spo.startStep and training.noisiestShare.`;
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
