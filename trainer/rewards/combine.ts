/**
 * @file A reward of several terms: Σ wᵢ · (hinge(rᵢ) − meanᵢ) / stdᵢ. A hinge is min(r, bound), or
 * max(r, bound) for a term that is pushed down: beyond its bound a term pulls no more (ReFL's
 * max(0, λ − r) in another sign; Xu et al., arXiv 2304.05977). Mean and deviation are fixed
 * numbers, measured once on images of the starting policy. Spreads of terms that know theirs add up
 * as those of independent errors; a hinge does not lower one.
 */
import { Builder, type Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import type { Tensor } from '@/trainer/graph/tensor';
import { appendScored, type Reward, RewardError, type ScoredParts } from './reward';
import { appendAffine } from './scores';

export interface Term {
  reward: Reward;
  /** Below 0 for a score to be pushed down. */
  weight: number;
  /** On the reward's own scale. */
  hinge?: number;
  /** As `probeReward` measures them. */
  normalize?: { mean: number; std: number };
}

/** Put before the names of the inputs that a term declares: two terms may be one model. */
const prefixOf = (term: number) => `term${term}_`;

/**
 * One reward of all terms; a single term of weight 1, as it is. @throws RewardError for a weight,
 * hinge or normalization that is no number to count with
 */
export function combine(terms: readonly Term[]): Reward {
  if (terms.length === 0) {
    throw new RewardError('A reward of no terms scores nothing: name at least one reward model.');
  }
  for (const term of terms) checkTerm(term);
  const [first] = terms as [Term];
  const untouched = first.weight === 1 && first.hinge === undefined && !first.normalize;
  if (terms.length === 1 && untouched) return first.reward;
  const partNames = uniqueNames(terms.map(({ reward }) => reward.name));
  const appendParts = (b: Builder, images: Value): ScoredParts => {
    const scores = terms.map(({ reward }, i) => appendApart(b, images, reward, prefixOf(i)));
    const variances = scores.flatMap(({ spread }, i) => {
      const { weight, normalize } = terms[i]!;
      const own = spread && b.scale(spread, weight / (normalize?.std ?? 1));
      return own ? [b.mul(own, own)] : [];
    });
    const sum = (values: readonly Value[]) => values.reduce((total, value) => b.add(total, value));
    return {
      score: sum(scores.map(({ score }, i) => appendWeighed(b, score, terms[i]!))),
      parts: Object.fromEntries(scores.map(({ score }, i) => [partNames[i], score])),
      ...(variances.length > 0 && { spread: b.op('Sqrt', [sum(variances)]) }),
    };
  };
  return {
    name: terms.map(describe).join(' + '),
    append: (b, images) => appendParts(b, images).score,
    appendParts,
    async feeds(prompts) {
      const feeds: Record<string, Tensor> = {};
      for (const [i, { reward }] of terms.entries()) {
        for (const [name, value] of Object.entries(await reward.feeds(prompts))) {
          feeds[prefixOf(i) + name] = value;
        }
      }
      return feeds;
    },
    async release() {
      const rewards = new Set(terms.map(({ reward }) => reward));
      for (const reward of rewards) await reward.release?.();
    },
  };
}

/**
 * Appends a reward built in a graph of its own, so that its inputs and values clash with no
 * other's.
 */
function appendApart(
  b: Builder,
  images: Value,
  reward: Reward,
  prefix: string,
): Pick<ScoredParts, 'score' | 'spread'> {
  const own = new Builder(reward.name);
  const pixels = own.input('images', 'float32', b.dims(images));
  const scored = appendScored(reward, own, pixels);
  own.output(scored.score, 'score');
  if (scored.spread) own.output(scored.spread, 'spread');
  const graph = own.finish();
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => [
      name,
      name === pixels ? images : b.input(prefix + name, dtype, dims as number[]),
    ]),
  );
  const { score, spread } = inline(b, graph, { feeds, prefix });
  return { score: score as Value, ...(spread && { spread }) };
}

function appendWeighed(b: Builder, score: Value, { weight, hinge, normalize }: Term): Value {
  const bounded =
    hinge === undefined ? score : b.op(weight > 0 ? 'Min' : 'Max', [score, b.scalar(hinge)]);
  return b.scale(normalize ? appendAffine(b, bounded, normalize) : bounded, weight);
}

function describe({ reward, weight, hinge, normalize }: Term): string {
  const bounded = hinge === undefined ? '' : ` ${weight > 0 ? 'up' : 'down'} to ${hinge}`;
  const scaled = normalize ? ` − ${normalize.mean}) / ${normalize.std}` : '';
  return `${weight} · ${scaled && '('}${reward.name}${bounded}${scaled}`;
}

/** Two terms may be one model. */
export function uniqueNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name} #${before + 1}`;
  });
}

function checkTerm({ reward, weight, hinge, normalize }: Term): void {
  const wrong = (what: string, value: number, remedy: string) =>
    new RewardError(`The ${what} of reward "${reward.name}" is ${value}: ${remedy}`);
  if (!Number.isFinite(weight) || weight === 0) {
    throw wrong('weight', weight, 'give a number other than 0, or leave the term out.');
  }
  if (hinge !== undefined && !Number.isFinite(hinge)) {
    throw wrong('hinge', hinge, 'give a score beyond which it pulls no more, or none.');
  }
  if (!normalize) return;
  if (!Number.isFinite(normalize.mean)) {
    throw wrong('mean', normalize.mean, 'measure it on images of the starting policy.');
  }
  if (!Number.isFinite(normalize.std) || normalize.std <= 0) {
    throw wrong(
      'deviation',
      normalize.std,
      'it divides the score: measure it on images that differ.',
    );
  }
}
