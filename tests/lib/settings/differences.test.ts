import { describe, expect, it } from 'vitest';
import { configDifferences } from '@/lib/settings/differences';
import { official } from '@/lib/settings/presets';
import { presetConfig, type RunConfig } from '@/lib/settings/run-config';

const base = presetConfig(official, { prompts: ['a', 'b'], evaluationPrompts: ['c'] });

describe('configDifferences', () => {
  it('finds nothing between equals', () => {
    expect(configDifferences(base, structuredClone(base))).toEqual([]);
  });

  it('names settings with their label and unit, in the order of the form', () => {
    const after: RunConfig = {
      ...base,
      sampling: { ...base.sampling, pairsPerRound: 50, sharedNoise: false },
      d3po: { ...base.d3po, referencePolicy: 'base' },
    };
    expect(configDifferences(base, after)).toEqual([
      {
        path: 'sampling.sharedNoise',
        label: 'Same starting noise',
        before: 'on',
        after: 'off',
      },
      {
        path: 'sampling.pairsPerRound',
        label: 'Pairs per round',
        before: '200 pairs',
        after: '50 pairs',
      },
      {
        path: 'd3po.referencePolicy',
        label: 'Reference policy',
        before: 'The round’s start',
        after: 'The base policy',
      },
    ]);
  });

  it('tells lists of prompts by length and novelty', () => {
    const longer = { ...base, prompts: ['a', 'b', 'x'], seed: 7 };
    expect(configDifferences(base, longer).map(({ path, after }) => [path, after])).toEqual([
      ['prompts', '3, 1 of them new'],
      ['seed', '7'],
    ]);
    const turned = { ...base, prompts: ['b', 'a'] };
    expect(configDifferences(base, turned)[0]?.after).toBe('2, in another order or fewer');
  });
});
