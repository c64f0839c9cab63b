/**
 * @file The transition graph with a policy-gradient loss: old log-probabilities and advantages come
 * in as numbers.
 */
import type { Graph } from '@/trainer/graph/model';
import type { SecondMoment } from '../optimizer/accumulation';
import type { Trainable } from '../policy/trainable';
import { buildTransitionStep, type TransitionStepShape } from '../transitions/transition-step';
import type { PolicyGradientMethod } from './method';

/**
 * Inputs beside those of `buildTransitionStep`, all [images]: `oldLogProbability`, `advantage` and
 * `share`, of each transition in the step's mean, 0 for one that only fills up a run. More outputs,
 * [images]: `transitionLoss` and `outputDistance`.
 */
export function buildPolicyGradientStep(
  trainable: Trainable,
  shape: TransitionStepShape,
  method: Pick<PolicyGradientMethod, 'loss'>,
  secondMoment: SecondMoment,
): Graph {
  const append: Parameters<typeof buildTransitionStep>[2]['append'] = (b, values) => {
    const [oldLogProbability, advantage, share] = ['oldLogProbability', 'advantage', 'share'].map(
      (name) => b.input(name, 'float32', [shape.images]),
    ) as [string, string, string];
    const { logProbability, outputDistance } = values;
    const each = method.loss(b, { logProbability, oldLogProbability, advantage, outputDistance });
    b.output(each, 'transitionLoss');
    b.output(outputDistance, 'outputDistance');
    return b.reduceSum(b.mul(each, share), [0], false);
  };
  return buildTransitionStep(trainable, shape, { append }, secondMoment);
}
