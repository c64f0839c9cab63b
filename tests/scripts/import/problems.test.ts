import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ImportProblem } from '@/db/exchange/import-checks';
import { linesAt, toldProblems } from '@/scripts/import/problems';
import { row, withFolder } from './support';

const { fileOf, pictures } = withFolder();

const problem = (line: number, reason: ImportProblem['reason'], message: string) => ({
  line,
  reason,
  message,
});

describe('problems', () => {
  it('are told by reason, the most frequent first, equal sentences once', () => {
    const told = toldProblems([
      problem(1, 'labels', 'label_0 2'),
      ...[3, 4, 5, 9].map((line) => problem(line, 'not-json', 'Give one JSON object a line.')),
      problem(6, 'labels', 'label_0 3'),
      problem(7, 'labels', 'label_0 2'),
    ]);
    expect(told).toEqual([
      '4 rows that are no JSON:\n  lines 3-5, 9: Give one JSON object a line.',
      '3 rows with labels that are no answer:\n  lines 1, 7: label_0 2\n  line 6: label_0 3',
    ]);
    expect(toldProblems([])).toEqual([]);
  });

  it('name runs of lines', () => {
    expect(linesAt([4])).toBe('line 4');
    expect(linesAt([1, 2, 3, 5, 8, 9])).toBe('lines 1-3, 5, 8-9');
  });
});

describe('npm run import', () => {
  /** What the command prints, and its status. */
  const run = async (...args: string[]) => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const command = ['--import', 'tsx', 'scripts/import/main.ts', ...args];
    const options = { cwd: root, env: { ...process.env, NO_COLOR: '1' } };
    const { stdout, stderr, code } = await promisify(execFile)(process.execPath, command, options)
      .then((done) => ({ ...done, code: 0 }))
      .catch((failed: { stdout: string; stderr: string; code: number }) => failed);
    return { out: stdout, err: stderr, code };
  };

  it('tells all that is wrong, imports nothing, and says how to go on; then goes on', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const rows = Array.from({ length: 60 }, (_, i) =>
      row(a, i < 30 ? `gone-${i}.png` : b, { user_id: i, created_at: 'noon' }),
    );
    const file = await fileOf([...rows, row(a, b), row(a, b, { has_label: false })]);
    const refused = await run(file);
    expect(refused.code).toBe(1);
    for (let i = 0; i < 30; i++) expect(refused.err).toContain(`line ${2 * i + 1}: `);
    expect(refused.err).toContain('30 rows whose images are not there:');
    expect(refused.err).toMatch(
      /Nothing was imported: correct these rows, or leave them out with --skip-bad/,
    );
    expect(refused.out).toBe('');

    const skipped = await run(file, '--skip-bad');
    expect(skipped.code).toBe(0);
    expect(skipped.out).toMatch(/imported +31 answers of 31 people; 0 were known already/);
    expect(skipped.out).toMatch(/1 row without a user_id count/);
    expect(skipped.out).toMatch(/1 row without a created_at/);
    expect(skipped.out).toMatch(/30 rows came in without their time, .+line 61: "noon"/);
    expect(skipped.out).toMatch(/left out +1 row without a label/);
    expect(skipped.out).toMatch(/left out +30 rows that cannot be imported/);
    expect(skipped.err).toContain('gone-29.png does not exist');

    expect((await run(file, '--fit', 'stretch')).err).toMatch(/--fit stretch/);
  });
});
