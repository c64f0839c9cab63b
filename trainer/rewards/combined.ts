/** @file Several rewards as one: their weighted sum. */
import type { Value } from '@/trainer/graph/builder';
import type { Reward } from './reward';

/** Σ w_i·r_i, all on the same images. */
export function combined(terms: readonly { reward: Reward; weight: number }[]): Reward {
  const [only] = terms;
  if (only && terms.length === 1 && only.weight === 1) return only.reward;
  return {
    name: terms.map(({ reward, weight }) => `${weight} × ${reward.name}`).join(' + '),
    append: (b, images) =>
      terms
        .map(({ reward, weight }) => b.scale(reward.append(b, images), weight))
        .reduce((sum: Value, value) => b.add(sum, value)),
    async feeds(prompts) {
      const all = await Promise.all(terms.map(({ reward }) => reward.feeds(prompts)));
      return Object.assign({}, ...all);
    },
  };
}
