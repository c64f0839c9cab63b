import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const { scripts, allowScripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  scripts: Record<string, string>;
  allowScripts: Record<string, boolean>;
};

const commands = Object.entries(scripts).flatMap(([name, script]) =>
  script.split('&&').map((command) => [name, command.trim()] as const),
);

it.each(commands)('npm run %s: `%s` names a tool and a file that exist', (_, command) => {
  const [program, file] = command.split(' ') as [string, string | undefined];
  if (program !== 'node') expect(existsSync(`${root}node_modules/.bin/${program}`)).toBe(true);
  if (program === 'node' || program === 'tsx') expect(existsSync(`${root}${file}`)).toBe(true);
});

it('names in its texts no command that does not exist', () => {
  const folders = ['app', 'lib', 'db', 'trainer', 'scripts', 'docs'];
  const texts = [
    ...readdirSync(root),
    ...folders.flatMap((folder) =>
      readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map(
        (name) => `${folder}/${name}`,
      ),
    ),
  ].filter((path) => /\.(ts|tsx|mjs|md)$/.test(path));
  const named = texts.flatMap((path) => {
    const text = readFileSync(`${root}${path}`, 'utf8');
    return [...text.matchAll(/\bnpm run ([a-z][\w:-]*\w)/g)].map(([, name]) => [path, name!]);
  });
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter(([, name]) => !Object.hasOwn(scripts, name!))).toEqual([]);
});

type Locked = {
  hasInstallScript?: true;
  optional?: true;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};
const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
  packages: Record<string, Locked>;
};

/** Whether the lockfile has `name` where Node would look for it from the package at `path`. */
function isLocked(path: string, name: string): boolean {
  if (packages[`${path}${path && '/'}node_modules/${name}`]) return true;
  if (path === '') return false;
  return isLocked(path.slice(0, path.lastIndexOf('node_modules/')).replace(/\/$/, ''), name);
}

it('locks packages for every system, so that npm ci works on each', () => {
  const missing = Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !isLocked(path, name))
      .map((name) => `${name}, wanted by ${path}`),
  );
  expect(missing).toEqual([]);
});

it('answers the install script of every package that has one', () => {
  const asking = Object.entries(packages)
    .filter(([, entry]) => entry.hasInstallScript && !entry.optional)
    .map(([path]) => path.split('node_modules/').at(-1)!);
  expect([...new Set(asking)].sort()).toEqual(Object.keys(allowScripts).sort());
});

it('.ci/run calls npm test and nothing else', () => {
  const lines = readFileSync(`${root}.ci/run`, 'utf8').split('\n');
  const commandLines = lines.filter((text) => text && !/^(#|set |cd )/.test(text));
  expect(commandLines).toEqual(['exec npm test']);
  accessSync(`${root}.ci/run`, constants.X_OK);
});

it('locks one esbuild, so that npm 10, which comes with Node 20, finds package and lock in sync', () => {
  // It puts one for Vite's optional peer beside another version, and npm 11 writes no such entry.
  expect(Object.keys(packages).filter((path) => path.endsWith('node_modules/esbuild'))).toEqual([
    'node_modules/esbuild',
  ]);
});
