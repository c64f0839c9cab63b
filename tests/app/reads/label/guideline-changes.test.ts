import { describe, expect, it } from 'vitest';
import { guidelineChanges } from '@/app/reads/label/guideline-changes';

const before = `# What to look for

- Count the **fingers**: five.
- See how well it follows the prompt.

Both bad means that neither should stand.`;

describe('what changed in the guidelines', () => {
  it('is told line by line, word by word, and the rest is left out', () => {
    const now = before.replace('five', 'five, none fused').replace('neither', '*neither*');
    expect(guidelineChanges(before, now)).toEqual([
      [
        { kind: 'kept', text: '• Count the fingers: five' },
        { kind: 'added', text: ', none fused' },
        { kind: 'kept', text: '.' },
      ],
    ]);
  });

  it('shows lines that came and lines that went', () => {
    const now = before
      .replace('\n\nBoth bad means that neither should stand.', '')
      .replace('# What', '- Blood is a flag.\n\n# What');
    const changes = guidelineChanges(before, now);
    const textOf = (kind: string) =>
      changes
        .flat()
        .filter((part) => part.kind === kind)
        .map(({ text }) => text)
        .join('');
    expect(textOf('added')).toBe('• Blood is a flag.');
    expect(textOf('removed')).toBe('Both bad means that neither should stand.');
  });

  it('is nothing where only marks differ', () => {
    expect(guidelineChanges(before, before.replace('**fingers**', 'fingers'))).toEqual([]);
  });
});
