import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

const engine = ['trainer/graph', 'trainer/autodiff', 'trainer/runtime'];
const models = [...engine, 'trainer/diffusion'];

/** What each room may import besides itself; the most specific entry counts. */
const mayImport: Record<string, string[]> = {
  lib: [],
  db: ['lib'],
  app: ['lib', 'db'],
  'trainer/graph': ['lib'],
  'trainer/autodiff': ['lib', 'trainer/graph'],
  'trainer/runtime': ['lib', 'trainer/graph'],
  'trainer/diffusion': ['lib', ...engine],
  'trainer/rewards': ['lib', 'db', ...models],
  'trainer/methods': ['lib', ...models, 'trainer/rewards'],
  'trainer/hands': ['lib', 'db', ...models],
  'trainer/rounds': ['lib', 'db', 'trainer'],
  trainer: ['lib', 'db', 'trainer'],
  // Scripts speak to the web app over HTTP and share its routes' schemas.
  scripts: ['lib', 'db', 'trainer', 'app/api'],
};

/** Packages that lib may use: it holds rules, so nothing that reads, writes or waits. */
const purePackages = new Set(['zod']);

const sourceFile = /\.(ts|tsx|mts|mjs)$/;

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function roomOf(path: string): string | undefined {
  // Next's request hook has to lie in the root; it belongs to the app.
  if (path === 'proxy.ts' || path === 'instrumentation.ts') return 'app';
  return Object.keys(mayImport)
    .filter((room) => isWithin(path, room))
    .sort((a, b) => b.length - a.length)[0];
}

function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

/** Imports in a file that its room forbids, as sentences; `path` is relative to the root. */
function violations(path: string, text: string): string[] {
  const room = roomOf(path);
  if (!room) return [];
  const allowed = [room, ...mayImport[room]!];
  return importsOf(text).flatMap((specifier) => {
    const target = specifier.startsWith('@/')
      ? specifier.slice(2)
      : specifier.startsWith('.')
        ? posix.normalize(posix.join(posix.dirname(path), specifier))
        : undefined;
    if (target === undefined) {
      if (room !== 'lib' || purePackages.has(specifier.split('/')[0]!)) return [];
      return [`${path} imports '${specifier}', but lib holds rules without I/O`];
    }
    if (target.startsWith('..')) return [`${path} imports '${specifier}' from outside the project`];
    if (!target.includes('/')) return [];
    if (allowed.some((folder) => isWithin(target, folder))) return [];
    return [`${path} imports '${specifier}', but ${room} may import only ${allowed.join(', ')}`];
  });
}

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && sourceFile.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

describe('rooms import only downwards', () => {
  const existing = new Set(readdirSync(root));
  const rooms = ['app', 'lib', 'db', 'trainer', 'scripts'].filter((room) => existing.has(room));

  it.each(rooms)('%s', (room) => {
    const sources = sourcesUnder(join(root, room));
    expect(sources.length).toBeGreaterThan(0);
    const found = sources.flatMap((path) =>
      violations(path, readFileSync(join(root, path), 'utf8')),
    );
    expect(found).toEqual([]);
  });
});

describe('the rule itself', () => {
  it.each([
    ['app/label/page.tsx', "import { train } from '@/trainer/methods/d3po';"],
    ['trainer/rounds/main.ts', "import { Button } from '../../app/components/ui/button';"],
    ['lib/answers.ts', "import { pairs } from '@/db/schema/pairs';"],
    ['lib/answers.ts', "import { readFileSync } from 'node:fs';"],
    ['db/client.ts', "const load = () => import('@/trainer/rounds/claim');"],
    ['trainer/graph/read.ts', "import type { Pipeline } from '@/trainer/diffusion/pipeline';"],
    ['trainer/diffusion/sample.ts', "export { loss } from '../methods/d3po';"],
    ['trainer/methods/d3po.ts', "import '@/trainer/rounds/claim';"],
    ['db/client.ts', "import { seed } from '@/tests/e2e/support/seed';"],
    ['proxy.ts', "import { worker } from '@/trainer/rounds/worker';"],
  ])('refuses in %s: %s', (path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  it.each([
    ['app/label/page.tsx', "import { leaseNextPair } from '@/db/leases';"],
    ['lib/answers.ts', "import { z } from 'zod/v4';"],
    ['trainer/autodiff/rules/conv.ts', "import { Graph } from '../../graph/graph';"],
    ['trainer/rounds/train/train.ts', "import { d3po } from '@/trainer/methods/d3po';"],
  ])('allows in %s: %s', (path, text) => {
    expect(violations(path, text)).toEqual([]);
  });
});
