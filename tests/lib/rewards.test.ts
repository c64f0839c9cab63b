import { describe, expect, it } from 'vitest';
import { labelsProblem } from '@/lib/rewards';

describe('labelsProblem', () => {
  const labels = Array.from({ length: 30 }, (_, i) => i % 2);

  it('lets through what can be learned from', () => {
    expect(labelsProblem('picks', labels)).toBeNull();
    expect(labelsProblem('flags', labels)).toBeNull();
    // Which side comes first means nothing: one may win always.
    expect(labelsProblem('picks', Array(30).fill(1))).toBeNull();
  });

  it('refuses too few answers, and says how many are ties or contradictions', () => {
    const ties = labels.map((label, i) => (i < 25 ? 0.5 : label));
    expect(labelsProblem('picks', ties)).toMatch(
      /There are 5 answers that prefer a side.+at least 20\. 25 more are ties, or contradict/,
    );
    expect(labelsProblem('picks', [])).toMatch(/There are 0 answers/);
  });

  it('refuses images that are all good, or all bad', () => {
    expect(labelsProblem('flags', Array(30).fill(1))).toMatch(/All 30 judged images are good/);
    expect(labelsProblem('flags', Array(30).fill(0))).toMatch(/All 30 judged images are bad/);
  });
});
