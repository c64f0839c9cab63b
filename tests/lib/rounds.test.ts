import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/errors';
import {
  acceptsPreferences,
  assertTransition,
  isFinished,
  type RoundState,
  roundStateDescriptions,
  roundStates,
  workOf,
} from '@/lib/rounds';

function mayGo(from: RoundState, to: RoundState): boolean {
  try {
    assertTransition(from, to);
    return true;
  } catch {
    return false;
  }
}

const nextStates = (from: RoundState) => roundStates.filter((to) => mayGo(from, to));

describe('the states of a round', () => {
  it('lead from sampling through every step to done', () => {
    const path = ['sampling', 'labeling', 'training', 'evaluating', 'done'] as const;
    path.slice(1).forEach((to, i) => {
      assertTransition(path[i]!, to);
    });
  });

  it('can fail or be cancelled until they are over, and never skip a step', () => {
    for (const state of roundStates.filter((one) => !isFinished(one))) {
      expect(nextStates(state)).toContain('failed');
      expect(nextStates(state)).toContain('cancelled');
      expect(nextStates(state)).toHaveLength(3);
    }
    for (const state of ['done', 'cancelled'] as const) expect(nextStates(state)).toEqual([]);
    expect(() => assertTransition('sampling', 'training')).toThrow(AppError);
    expect(() => assertTransition('done', 'sampling')).toThrow('it is over');
  });

  it('let a failed round try again exactly where the trainer works', () => {
    const retried = nextStates('failed').filter((state) => state !== 'cancelled');
    expect(retried).toEqual(roundStates.filter((state) => workOf(state) !== null));
  });

  it('take answers while pairs are drawn and labeled, and explain themselves', () => {
    expect(roundStates.filter(acceptsPreferences)).toEqual(['sampling', 'labeling']);
    for (const state of roundStates) expect(roundStateDescriptions[state].meaning).not.toBe('');
  });
});
