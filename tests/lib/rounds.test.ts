import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/errors';
import type { LearnsFrom } from '@/lib/methods';
import {
  acceptsPreferences,
  assertTransition,
  isFinished,
  type RoundState,
  roundStates,
  stateMeaning,
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

  it('take answers while pairs are drawn and labeled', () => {
    expect(roundStates.filter(acceptsPreferences)).toEqual(['sampling', 'labeling']);
  });

  it('are told in words of the method: only one that asks people speaks of answers', () => {
    for (const mode of ['single', 'online'] as const) {
      for (const state of ['training', 'evaluating', 'done', 'failed', 'cancelled'] as const) {
        const told = (learnsFrom: LearnsFrom) => stateMeaning(state, { mode, learnsFrom });
        const ofPeople = /answers are|their answers|its answers|pairs are|answers and/i;
        for (const learnsFrom of ['reward', 'archive'] as const) {
          expect(told(learnsFrom)).not.toMatch(ofPeople);
        }
        if (state !== 'evaluating' && state !== 'done') expect(told('picks')).toMatch(ofPeople);
      }
    }
  });
});
