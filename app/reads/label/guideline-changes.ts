import { diffWordsWithSpace } from 'diff';
import type { ChangedLine } from '../../api/label/schema';
import { plainLines } from '../../components/markdown/parse';

/**
 * The lines in which two versions of the guidelines differ, word by word; what stands in both
 * unchanged is left out. Marks such as ** are no words.
 */
export function guidelineChanges(before: string, now: string): ChangedLine[] {
  const text = (markdown: string) => plainLines(markdown).join('\n');
  const lines: ChangedLine[] = [[]];
  for (const { value, added, removed } of diffWordsWithSpace(text(before), text(now))) {
    const kind = added ? 'added' : removed ? 'removed' : 'kept';
    value.split('\n').forEach((part, index) => {
      if (index > 0) lines.push([]);
      if (part !== '') lines.at(-1)!.push({ kind, text: part });
    });
  }
  return lines.filter((line) => line.some(({ kind }) => kind !== 'kept'));
}
