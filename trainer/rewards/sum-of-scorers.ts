/**
 * @file Adds up several scorers: Σ wᵢ · (hinge(rᵢ) − meanᵢ) / stdᵢ. Used when at least one is not
 * an ONNX graph (the real JPEG file size); otherwise use `combine`.
 */
import { type Term, uniqueNames } from './combine';
import type { OpenScorer } from './scorer';

export interface ScorerTerm extends Omit<Term, 'reward'> {
  open: OpenScorer;
}

/** Opens all of them; scores what they say together. */
export function sumOfScorers(terms: readonly ScorerTerm[]): OpenScorer {
  return async (engine, batch) => {
    const scorers = await Promise.all(terms.map(({ open }) => open(engine, batch)));
    const names = uniqueNames(scorers.map(({ name }) => name));
    return {
      name: scorers.map(({ name }, i) => `${terms[i]?.weight} · ${name}`).join(' + '),
      async score(pixels, prompts) {
        const sum = new Float32Array(batch.images);
        const parts: Record<string, Float32Array> = {};
        for (const [i, scorer] of scorers.entries()) {
          const { scores } = await scorer.score(pixels, prompts);
          parts[names[i]!] = scores;
          for (const [image, score] of scores.entries()) {
            sum[image] = sum[image]! + weighed(score, terms[i]!);
          }
        }
        return { scores: sum, parts };
      },
      async release() {
        for (const scorer of scorers) await scorer.release();
      },
    };
  };
}

function weighed(score: number, { weight, hinge, normalize }: ScorerTerm): number {
  const bound = weight > 0 ? Math.min : Math.max;
  const bounded = hinge === undefined ? score : bound(score, hinge);
  return weight * (normalize ? (bounded - normalize.mean) / normalize.std : bounded);
}
