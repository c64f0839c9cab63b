import { afterEach, expect, it, vi } from 'vitest';
import { memoryBudget, preparedSettings } from '@/trainer/rounds/pipelines/machine';

afterEach(() => vi.unstubAllEnvs());

it('keeps 20 GB of prepared networks in the data folder, or as many as it is told, or none', () => {
  vi.stubEnv('DARKROOM_PREPARED_GB', '');
  expect(preparedSettings('/home')).toMatchObject({ folder: '/home/prepared', mostBytes: 20e9 });
  vi.stubEnv('DARKROOM_PREPARED_GB', '0.5');
  expect(preparedSettings('/home')).toMatchObject({ mostBytes: 5e8 });
  vi.stubEnv('DARKROOM_PREPARED_GB', '0');
  expect(preparedSettings('/home')).toBeUndefined();
  for (const wrong of ['much', '-1']) {
    vi.stubEnv('DARKROOM_PREPARED_GB', wrong);
    expect(() => preparedSettings('/home')).toThrow(`DARKROOM_PREPARED_GB is "${wrong}": give`);
  }
});

it('gives training as much memory as it is told, or no budget', () => {
  vi.stubEnv('DARKROOM_MEMORY_GB', '');
  expect(memoryBudget()).toBeUndefined();
  vi.stubEnv('DARKROOM_MEMORY_GB', '6.5');
  expect(memoryBudget()).toBe(6.5e9);
  vi.stubEnv('DARKROOM_MEMORY_GB', '6 GB');
  expect(() => memoryBudget()).toThrow('DARKROOM_MEMORY_GB is "6 GB": give a number of gigabytes');
});
