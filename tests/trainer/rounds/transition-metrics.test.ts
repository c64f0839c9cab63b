import { expect, it } from 'vitest';
import { transitionMetrics } from '@/trainer/rounds/train/d3po/training';

const shown = (timestep: number, logRatioWinner: number, logRatioLoser: number) => ({
  timestepIndex: 0,
  timestep,
  loss: Math.LN2,
  logRatioWinner,
  logRatioLoser,
  clipFraction: 0,
  kl: 0,
});

it('counts what float32 cannot tell apart as level', () => {
  const { mean, timesteps } = transitionMetrics([
    shown(900, 2e-7, -1e-7),
    shown(900, -3e-7, 1e-7),
    shown(500, 2e-4, -1e-4),
    shown(500, 1e-5, 2e-5),
    shown(500, 3e-5, 2e-5),
  ]);
  expect(mean.implicitAccuracy).toBeCloseTo(3 / 5);
  expect(timesteps.map(({ timestep }) => timestep)).toEqual([900, 500]);
  expect(timesteps[0]?.metrics.implicitAccuracy).toBe(0.5);
  expect(timesteps[1]?.metrics.implicitAccuracy).toBeCloseTo(2 / 3);
});
