/** @file Each method, made from a run's settings: a row in the table of its way to train. */
import type { MethodOf, TrainingKind } from '@/lib/methods';
import type { RunConfig } from '@/lib/settings/run-config';
import { adjointMatching } from './adjoint-matching';
import { alignProp } from './alignprop';
import { type D3poSettings, d3po } from './d3po';
import { ddpo } from './ddpo';
import { dgpo } from './dgpo';
import { diffusionDpo } from './diffusion-dpo';
import { dpok } from './dpok';
import { draft } from './draft';
import { draftLv } from './draft-lv';
import { draftPlus } from './draft-plus';
import { drTune } from './drtune';
import { fdfo } from './fdfo';
import { kto } from './kto';
import { lair } from './lair';
import { nft } from './nft';
import type { NoisedImagesMethod } from './noised-images/method';
import type { PolicyGradientMethod } from './policy-gradient/method';
import { refl } from './refl';
import type { RewardGradientMethod } from './rollouts/plan';
import { spo } from './spo';
import type { StepPairsMethod } from './spo/method';
import type { PairLoss } from './transitions/pair-loss';

type Made<Kind extends TrainingKind, Method> = Record<
  MethodOf<Kind>,
  (config: RunConfig) => Method
>;

export const pairLosses: Made<'pairs', PairLoss> = {
  d3po: (config) => d3po(clipped(config.d3po)),
  fdfo: (config) => fdfo(config.fdfo),
};

export const rewardGradients: Made<'reward-gradient', RewardGradientMethod> = {
  draft: (config) => draft(config.draft),
  'draft-lv': (config) => draftLv(config['draft-lv']),
  'draft-plus': (config) => {
    const { truncation, klCoefficient, klForm, klBySpread, referencePolicy } = config['draft-plus'];
    const kl = {
      coefficient: klCoefficient,
      form: klForm,
      reference: referencePolicy,
      bySpread: klBySpread,
    };
    return draftPlus({ truncation, kl });
  },
  'adjoint-matching': (config) => adjointMatching(config['adjoint-matching']),
  drtune: (config) => drTune(config.drtune),
  refl: (config) => refl(config.refl),
  alignprop: (config) => alignProp(config.alignprop),
};

export const policyGradients: Made<'policy-gradient', PolicyGradientMethod> = {
  ddpo: (config) => ddpo(config.ddpo),
  dpok: ({ dpok: { valueBaseline, valueLearningRate, valueSteps, ...weights } }) =>
    dpok({
      ...weights,
      ...(valueBaseline && { value: { learningRate: valueLearningRate, steps: valueSteps } }),
    }),
};

export const stepPairs: Made<'step-pairs', StepPairsMethod> = {
  spo: (config) => spo(config.spo, clipped(config.spo)),
};

export const noisedImages: Made<
  'finished-pairs' | 'finished-images' | 'graded-images',
  NoisedImagesMethod
> = {
  'diffusion-dpo': ({ 'diffusion-dpo': { beta, ...own } }) =>
    diffusionDpo({ beta, ...capped(own) }),
  kto: (config) => kto(config.kto),
  nft: (config) => nft(config.nft),
  dgpo: (config) => dgpo(config.dgpo),
  lair: (config) => lair(config.lair),
};

/** The settings of D3PO's loss, where "none" is one of the clip's forms. */
function clipped({
  beta,
  clipForm,
  clipRange,
  ...own
}: Pick<
  RunConfig['d3po'],
  'beta' | 'clipForm' | 'clipRange' | 'capLoser' | 'capMargin'
>): D3poSettings {
  return { beta, ...(clipForm !== 'none' && { clipRange, clipForm }), ...capped(own) };
}

/** The cap on losers, where there is one. */
function capped({ capLoser, capMargin }: Pick<RunConfig['d3po'], 'capLoser' | 'capMargin'>) {
  return capLoser ? { capMargin } : {};
}
