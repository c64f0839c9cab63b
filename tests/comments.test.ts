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

it('comments are no wider than code', () => {
  const wide = sources.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, i) =>
        prose.test(line) && [...line].length > widthMax
          ? [`${relative(root, path)}:${i + 1} is ${[...line].length} wide`]
          : [],
      ),
  );
  expect(wide).toEqual([]);
});
