/**
 * @file What is wrong with a file of answers, told whole: grouped by reason, equal sentences once
 * with all their lines.
 */

import { groupBy } from '@/db/answers/standing-answers';
import { type ImportProblem, importReasons } from '@/db/exchange/import-checks';

/** Paragraphs for people, the largest group first. */
export function toldProblems(problems: readonly ImportProblem[], unit = 'line'): string[] {
  const groups = groupBy(problems, ({ reason }) => reason);
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, members]) => {
      const sentences = [...groupBy(members, ({ message }) => message)].map(
        ([message, rows]) =>
          `  ${linesAt(
            rows.map(({ line }) => line),
            unit,
          )}: ${message}`,
      );
      return [
        `${rowsOf(members.length)} ${importReasons[reason as ImportProblem['reason']]}:`,
        ...sentences,
      ].join('\n');
    });
}

export const rowsOf = (count: number) => (count === 1 ? '1 row' : `${count} rows`);

/** `line 4`, `lines 3, 7-9, 12`. @param numbers ascending */
export function linesAt(numbers: readonly number[], unit = 'line'): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  const told = runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return `${numbers.length === 1 ? unit : `${unit}s`} ${told.join(', ')}`;
}
