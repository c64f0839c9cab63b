import { describe, expect, it } from 'vitest';
import { annealingName } from '@/lib/drawings';
import { inferenceSettings } from '@/lib/settings/inference';
import { defaultsOf } from '@/lib/settings/setting';
import { type Annealing, tunedWeights } from '@/trainer/diffusion/denoise/annealed-guidance';

const numbers = { exponent: 2, threshold: 0.6 };

// anneal_sdxl.py's own list, over ten steps.
const table: Record<string, [Partial<Annealing>, number[]]> = {
  base: [{ schedule: 'base' }, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  draft: [{ schedule: 'draft' }, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  linear: [{ schedule: 'linear' }, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]],
  power_2: [{ schedule: 'power' }, [0, 0.01, 0.04, 0.09, 0.16, 0.25, 0.36, 0.49, 0.64, 0.81]],
  power_4: [
    { schedule: 'power', exponent: 4 },
    [0, 0.0001, 0.0016, 0.0081, 0.0256, 0.0625, 0.1296, 0.2401, 0.4096, 0.6561],
  ],
  'step_0.6': [{ schedule: 'step' }, [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]],
};

describe.each(Object.entries(table))('%s', (name, [given, wanted]) => {
  const annealing = { ...numbers, ...given } as Annealing;

  it('weighs the tuned policy as NeMo-Aligner does, and is called so', () => {
    expect(annealingName(annealing)).toBe(name);
    for (const [i, weight] of tunedWeights(annealing, 10).entries()) {
      expect(weight).toBeCloseTo(wanted[i]!, 12);
    }
  });
});

it('takes over at the very step that the threshold names, whatever the count of steps', () => {
  const first = (steps: number) => tunedWeights({ ...numbers, schedule: 'step' }, steps).indexOf(1);
  expect([5, 10, 20, 25, 50].map(first)).toEqual([3, 6, 12, 15, 30]);
  expect(first(4)).toBe(3);
});

it('knows every schedule that a run may name, and the one it does without', () => {
  const { annealing: schedule, ...rest } = defaultsOf(inferenceSettings);
  expect(tunedWeights({ schedule, ...rest } as Annealing, 3)).toEqual([1, 1, 1]);
  for (const name of Object.keys(inferenceSettings.annealing.choices)) {
    const weights = tunedWeights({ schedule: name, ...numbers } as Annealing, 20);
    expect(weights.every((weight) => weight >= 0 && weight <= 1)).toBe(true);
    expect(weights).toEqual([...weights].sort((a, b) => a - b));
  }
});
