import { expect, it } from 'vitest';
import { decisionMs, decisionMsMax } from '@/lib/answers';

it('a decision takes what lies between the instants, never less than nothing nor longer than anybody looks', () => {
  expect(decisionMs({ shownAtMs: 1000, decidedAtMs: 2500 })).toBe(1500);
  expect(decisionMs({ shownAtMs: 2500, decidedAtMs: 1000 })).toBe(0);
  expect(decisionMs({ shownAtMs: 0, decidedAtMs: Number.MAX_SAFE_INTEGER })).toBe(decisionMsMax);
});
