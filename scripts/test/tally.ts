import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** How many tests passed and failed, and the names of those that did not run. */
export type Tally = { passed: number; failed: number; skipped: string[] };

export const nothing: Tally = { passed: 0, failed: 0, skipped: [] };
export const onePassed: Tally = { ...nothing, passed: 1 };
export const oneFailed: Tally = { ...nothing, failed: 1 };

export function add(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: [...a.skipped, ...b.skipped],
  };
}

/** `3 passed, 0 failed`, and `, 1 skipped` where some were. */
export function inWords({ passed, failed, skipped }: Tally): string {
  const rest = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  return `${passed} passed, ${failed} failed${rest}`;
}

/**
 * A run that ended badly without a failed test (a file that does not load) still counts as failed.
 */
function withExit(tally: Tally, endedWell: boolean): Tally {
  return endedWell || tally.failed > 0 ? tally : add(tally, oneFailed);
}

const vitestReport = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
        }),
      ),
    }),
  ),
});

/** Counts from Vitest's JSON report; a missing report is one failure. */
export function vitestTally(file: string, endedWell: boolean): Tally {
  if (!existsSync(file)) return oneFailed;
  const report = vitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const tally = {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: tests.filter(({ status }) => status === 'failed').length,
    skipped: tests
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => fullName),
  };
  return withExit(tally, endedWell && report.success);
}

const playwrightSuite = z.object({
  specs: z.array(
    z.object({
      title: z.string(),
      tests: z.array(z.object({ status: z.enum(['expected', 'unexpected', 'flaky', 'skipped']) })),
    }),
  ),
  get suites() {
    return z.array(playwrightSuite).optional();
  },
});
type PlaywrightSuite = z.infer<typeof playwrightSuite>;

const playwrightReport = z.object({
  suites: z.array(playwrightSuite),
  errors: z.array(z.unknown()),
});

function playwrightTests(suite: PlaywrightSuite): { title: string; status: string }[] {
  const own = suite.specs.flatMap(({ title, tests }) =>
    tests.map(({ status }) => ({ title, status })),
  );
  return [...own, ...(suite.suites ?? []).flatMap(playwrightTests)];
}

/** Counts from Playwright's JSON report; a test that passed on a second try has passed. */
export function playwrightTally(file: string, endedWell: boolean): Tally {
  if (!existsSync(file)) return oneFailed;
  const report = playwrightReport.parse(JSON.parse(readFileSync(file, 'utf8')));
  const tests = report.suites.flatMap(playwrightTests);
  const tally = {
    passed: tests.filter(({ status }) => status === 'expected' || status === 'flaky').length,
    failed: tests.filter(({ status }) => status === 'unexpected').length,
    skipped: tests.filter(({ status }) => status === 'skipped').map(({ title }) => title),
  };
  return withExit(tally, endedWell && report.errors.length === 0);
}
