import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

export type Tally = { passed: number; failed: number; skipped: number };

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 };
export const onePassed: Tally = { ...nothing, passed: 1 };
export const oneFailed: Tally = { ...nothing, failed: 1 };

export function add(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  success: z.boolean(),
});

const playwrightReport = z.object({
  stats: z.object({
    expected: z.number(),
    unexpected: z.number(),
    flaky: z.number(),
    skipped: z.number(),
  }),
  errors: z.array(z.unknown()),
});

/** A run that ended badly without a failed test (a file that does not load) still counts as failed. */
function withExit(tally: Tally, endedWell: boolean): Tally {
  return endedWell || tally.failed > 0 ? tally : add(tally, oneFailed);
}

/** Counts from Vitest's JSON report; a missing report is one failure. */
export function vitestTally(file: string, endedWell: boolean): Tally {
  if (!existsSync(file)) return oneFailed;
  const report = vitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  const tally = {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  return withExit(tally, endedWell && report.success);
}

/** Counts from Playwright's JSON report; a test that passed on a second try passed, and is told apart by Playwright's own output. */
export function playwrightTally(file: string, endedWell: boolean): Tally {
  if (!existsSync(file)) return oneFailed;
  const { stats, errors } = playwrightReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  const tally = {
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
  };
  return withExit(tally, endedWell && errors.length === 0);
}
