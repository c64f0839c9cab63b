import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/**
 * What a screen must not say, and the word of ARCHITECTURE.md, of lib/ or of a judge that stands
 * for the thing.
 */
const banned: readonly [found: RegExp, instead: string][] = [
  [/bad hand/i, 'what the judge or lib/flags.ts calls it'],
  [/\bworkflow\b|\bepoch of labels\b/i, 'round'],
  [/\b(rater|labell?er|tagger)s?\b/i, 'annotator'],
  [/\bcheckpoint model\b|\bmodel versions?\b/i, 'policy, or version'],
  [/\b(ground truth|honeypot|trap question)s?\b/i, 'gold'],
  [/\bbattles?\b|\bmatch-?ups?\b|\bduels?\b/i, 'pair'],
  [/\breward networks?\b|\bscorers?\b/i, 'reward model'],
  [/\bartefacts?\b/i, 'artifact'],
  [/plural\([^)]*'example'/, 'pick, answer or image'],
  [/'(Right|Wrong)', (Check|X)\b/, 'Confirm and Reject, as the queue of flags says'],
  [/count=\{`of /, 'a count with its noun'],
];

const files = readdirSync('app', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => join('app', name));

it('one thing has one word on every screen', () => {
  const found = files.flatMap((file) => {
    // Comments are for those who read code.
    const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/ .*/g, '');
    return banned.flatMap(([pattern, instead]) => {
      const said = text.match(pattern)?.[0];
      return said === undefined ? [] : [`${file} says “${said}”; say: ${instead}`];
    });
  });
  expect(files.length).toBeGreaterThan(200);
  expect(found).toEqual([]);
});
