import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { add, playwrightTally, vitestTally } from '@/scripts/test/tally';

const folder = mkdtempSync(join(tmpdir(), 'darkroom-tally-'));
afterAll(() => rmSync(folder, { recursive: true }));

function report(content: unknown): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const vitest = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  success: true,
};
const playwright = { stats: { expected: 3, unexpected: 0, flaky: 1, skipped: 2 }, errors: [] };

it('adds the counts of both reporters', () => {
  expect(add(vitestTally(report(vitest), true), playwrightTally(report(playwright), true))).toEqual(
    {
      passed: 9,
      failed: 0,
      skipped: 4,
    },
  );
});

it('counts a run that ended badly without a failed test as one failure', () => {
  expect(vitestTally(report(vitest), false).failed).toBe(1);
  expect(vitestTally(report({ ...vitest, success: false }), true).failed).toBe(1);
  expect(vitestTally(report({ ...vitest, numFailedTests: 2, success: false }), false).failed).toBe(
    2,
  );
  expect(playwrightTally(report({ ...playwright, errors: [{}] }), true).failed).toBe(1);
  expect(vitestTally(join(folder, 'missing.json'), true).failed).toBe(1);
});
