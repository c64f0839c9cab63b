import {
  asksPeople,
  type DrawingMethod,
  isDrawingMethod,
  type Method,
  methods,
  trainsBy,
} from '../methods';
import type { RunMode } from '../runs';
import { fdfoProblem } from './fdfo';
import { type GroupName, groupDescriptions, settingGroups } from './groups';
import { ddpoProblem } from './policy-gradient';
import { adjointMatchingProblem, draftPlusProblem } from './reward-methods';
import { drawOf, type RunConfig, trainedTimesteps } from './run-config';
import { leastEta } from './sampling';
import type { Setting, SettingProblem } from './setting';
import { spoProblem } from './spo';
import { trainingSettings } from './training';

/** What only one method asks of its settings: each check stands beside them. */
const own: { [M in Method]?: (config: RunConfig) => SettingProblem | null } = {
  'draft-plus': draftPlusProblem,
  'adjoint-matching': adjointMatchingProblem,
  ddpo: ddpoProblem,
  fdfo: fdfoProblem,
  spo: (config) => spoProblem(config, trainedTimesteps(config)[0]),
};

/**
 * Why a method cannot run so, with the remedies; nothing where it can. Said before anything is
 * drawn for it. Whether a pipeline is of a diffusion or of a flow makes no difference: both have
 * steps with a density, an estimate of the image and a way to noise it.
 */
export function methodProblems(method: Method, mode: RunMode, config: RunConfig): SettingProblem[] {
  const { label } = methods[method];
  const asks = asksPeople(method);
  const found = [
    (trainsBy(method, 'pairs') || isDrawingMethod(method)) && config.sampling.eta < leastEta
      ? {
          at: 'sampling.eta',
          says: `${label} compares how likely noisy steps are, and with eta ${config.sampling.eta} there is no noise. Set it to at least ${leastEta}.`,
        }
      : null,
    asks && config.sampling.eta === 0 && config.sampling.sharedNoise
      ? {
          at: 'sampling.sharedNoise',
          says: 'With eta 0 and shared noise the images that people compare would be the same. Turn shared noise off, or set eta above 0.',
        }
      : null,
    asks && config.sampling.noiseWindow < 1 && !config.sampling.sharedNoise
      ? {
          at: 'sampling.noiseWindow',
          says: 'Noise is shared outside the window, but the images start from noise of their own. Turn “Same starting noise” on, or set the window to 1.',
        }
      : null,
    !asks && mode === 'online' && config.serving.maxRounds === 0
      ? {
          at: 'serving.maxRounds',
          says: `An online run of ${label} waits for nobody, so it would never stop. Say how many rounds at most, or start a single round.`,
        }
      : null,
    isDrawingMethod(method) ? drawingProblem(method, config) : null,
    own[method]?.(config) ?? null,
  ];
  return found.filter((problem) => problem !== null);
}

/** All of them in a sentence each, for whoever sees no form; null where there are none. */
export function methodProblem(method: Method, mode: RunMode, config: RunConfig): string | null {
  const problems = methodProblems(method, mode, config);
  return problems.length === 0 ? null : problems.map(problemText).join(' ');
}

/** A problem for whoever sees no form: with the names of group and field. */
export function problemText({ at, says }: SettingProblem): string {
  const [group, key] = at.split('.') as [GroupName, string];
  const { label } = groupDescriptions[group];
  const settings: Readonly<Record<string, Setting>> = settingGroups[group];
  return `${label}, ${settings[key]?.label ?? key}: ${says}`;
}

function drawingProblem(method: DrawingMethod, config: RunConfig): SettingProblem | null {
  const { reward, training } = config;
  const { stepsPerDraw } = drawOf(method, config);
  if (reward.optimiserSteps % stepsPerDraw === 0) return null;
  const { updatesPerDraw } = config[method];
  return {
    at: 'reward.optimiserSteps',
    says: `It is ${reward.optimiserSteps}, but ${methods[method].label} takes ${stepsPerDraw} steps on each draw: ${updatesPerDraw} steps per draw times ${training.innerEpochs} inner epochs. Set it to a multiple of ${stepsPerDraw}.`,
  };
}

type Trained = Pick<RunConfig['training'], 'trainables' | 'loraRank' | 'loraAlpha'>;

/** What is trained, in words. */
export function trainedText({ trainables, loraRank, loraAlpha }: Trained): string {
  const [what] = trainingSettings.trainables.choices[trainables];
  return trainables === 'full'
    ? what.toLowerCase()
    : `${what.toLowerCase()} of rank ${loraRank} and alpha ${loraAlpha}`;
}

/**
 * Why a round cannot go on from a policy: it has weights of another kind. Null where it can; every
 * method goes on from every other. @param from what the policy trained; undefined for a base
 * policy, from which anything may start
 */
export function lineageProblem(from: Trained | undefined, to: Trained): string | null {
  if (!from || trainedText(from) === trainedText(to)) return null;
  return `The round starts from a policy trained as ${trainedText(from)}, but is configured for ${trainedText(to)}. Under Training, set what is trained, LoRA rank and LoRA alpha alike, or start from the base policy.`;
}
