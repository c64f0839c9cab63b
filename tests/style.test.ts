import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** As wide as biome lets code be. */
const widthMax = 100;

/** A comment's line of prose: formulas and examples are indented, directives are for programs. */
const prose = /^\s*(?:\*(?!\*)|\/\/|\/\*\*) ?(?! |biome-ignore)/;

const sources = ['app', 'db', 'lib', 'scripts', 'tests', 'trainer'].flatMap((folder) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name)),
);

/** A class's own member is `#member`: `private` makes it so for the compiler alone. */
const softlyPrivate =
  /^\s+private (?!constructor)(?:static |async |get |set |readonly )*\w+.*[;{]$/;

function linesThat(isSo: (line: string) => boolean): string[] {
  return sources.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, i) => (isSo(line) ? [`${relative(root, path)}:${i + 1}`] : [])),
  );
}

it('comments are no wider than code', () => {
  expect(linesThat((line) => prose.test(line) && [...line].length > widthMax)).toEqual([]);
});

it('what is a class’s own is #so; private stands before constructors and in their parameters', () => {
  expect(linesThat((line) => softlyPrivate.test(line))).toEqual([]);
});
