import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinned } from '@/app/reads/rounds/thinned';

function steps(losses: number[]) {
  return losses.map((loss, step) => ({
    step,
    timestep: null,
    metrics: {
      loss,
      implicitAccuracy: 0.5,
      logRatioWinner: 0,
      logRatioLoser: 0,
      clipFraction: 0,
      kl: 0,
    },
  }));
}

describe('thinned', () => {
  it('leaves a short curve as it is', () => {
    expect(thinned(steps([1, 2, 3]), 3)).toEqual(steps([1, 2, 3]));
  });

  it('averages neighbours and stands at the last of them', () => {
    const points = thinned(steps([1, 3, 5, 7, 9]), 3);
    expect(points.map(({ step, metrics }) => [step, metrics.loss])).toEqual([
      [1, 2],
      [3, 6],
      [4, 9],
    ]);
    expect(points[0]?.metrics).not.toHaveProperty('gradNorm');
  });

  it('averages the terms of a reward one by one', () => {
    const points = steps([1, 3]).map((step, i) => ({
      ...step,
      metrics: { ...step.metrics, rewardParts: { picks: i, brightness: 0.5 } },
    }));
    expect(thinned(points, 1)[0]?.metrics).toMatchObject({
      loss: 2,
      rewardParts: { picks: 0.5, brightness: 0.5 },
    });
  });

  it('never gives more points than asked for, and always ends at the last step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 50 }), (n, max) => {
        const points = thinned(steps(Array.from({ length: n }, (_, i) => i)), max);
        expect(points.length).toBeLessThanOrEqual(Math.max(max, 1));
        expect(points.at(-1)?.step).toBe(n - 1);
      }),
    );
  });
});
