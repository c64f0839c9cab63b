import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { add, inWords, playwrightTally, vitestTally } from '@/scripts/test/tally';

const folder = mkdtempSync(join(tmpdir(), 'darkroom-tally-'));
afterAll(() => rmSync(folder, { recursive: true }));

function report(content: unknown): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

function vitest(...statuses: string[]): string {
  const assertionResults = statuses.map((status, i) => ({ fullName: `unit ${i}`, status }));
  return report({ success: !statuses.includes('failed'), testResults: [{ assertionResults }] });
}

function playwright(...statuses: string[]): string {
  const specs = statuses.map((status, i) => ({ title: `story ${i}`, tests: [{ status }] }));
  return report({ suites: [{ specs: [], suites: [{ specs }] }], errors: [] });
}

it('adds the counts of both reporters and names what was skipped', () => {
  const total = add(
    vitestTally(vitest('passed', 'passed', 'skipped', 'todo'), true),
    playwrightTally(playwright('expected', 'flaky', 'skipped'), true),
  );
  expect(total).toEqual({ passed: 4, failed: 0, skipped: ['unit 2', 'unit 3', 'story 2'] });
  expect(inWords(total)).toBe('4 passed, 0 failed, 3 skipped');
  expect(inWords({ passed: 1, failed: 2, skipped: [] })).toBe('1 passed, 2 failed');
});

it('counts failures', () => {
  expect(vitestTally(vitest('passed', 'failed', 'failed'), false).failed).toBe(2);
  expect(playwrightTally(playwright('unexpected', 'expected'), false).failed).toBe(1);
});

it('counts a run that ended badly without a failed test as one failure', () => {
  expect(vitestTally(vitest('passed'), false).failed).toBe(1);
  expect(vitestTally(report({ success: false, testResults: [] }), true).failed).toBe(1);
  expect(playwrightTally(report({ suites: [], errors: [{}] }), true).failed).toBe(1);
  expect(playwrightTally(join(folder, 'missing.json'), true).failed).toBe(1);
});
