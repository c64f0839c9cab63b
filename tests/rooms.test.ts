import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

const engine = ['lib', 'trainer/graph', 'trainer/autodiff', 'trainer/runtime', 'trainer/formats'];

const diffusion = [...engine, 'trainer/diffusion/*'];

/** What trains a policy, whatever the method. */
const policy = ['trainer/methods/optimizer', 'trainer/methods/policy'];

/**
 * What each room may import besides itself. A room holds what no room within it holds; a name
 * ending in /* is all within.
 */
const mayImport: Record<string, string[]> = {
  lib: [],

  db: ['lib', 'db/schema'],
  'db/schema': ['lib'],
  'db/blobs': ['lib', 'db', 'db/schema'],
  'db/policies': ['lib', 'db', 'db/schema', 'db/work/enqueue.ts'],
  'db/leases': ['lib', 'db', 'db/schema'],
  'db/comparisons': ['lib', 'db', 'db/schema', 'db/leases', 'db/policies'],
  'db/answers': ['lib', 'db', 'db/schema'],
  // Whoever decides may ask for work; only the queue above them all hands it out.
  'db/work/enqueue.ts': ['lib', 'db', 'db/schema'],
  'db/rounds': [
    'lib',
    'db',
    'db/schema',
    'db/policies',
    'db/leases',
    'db/answers',
    'db/work/enqueue.ts',
  ],
  'db/labeling': ['lib', 'db', 'db/schema', 'db/comparisons', 'db/leases', 'db/rounds'],
  'db/people': ['lib', 'db', 'db/schema', 'db/labeling'],
  'db/exchange': ['lib', 'db', 'db/schema', 'db/people', 'db/policies', 'db/rounds'],
  'db/rewards': ['lib', 'db', 'db/schema', 'db/answers', 'db/rounds', 'db/work/enqueue.ts'],
  'db/work': [
    'lib',
    'db',
    'db/schema',
    'db/policies',
    'db/rounds',
    'db/rewards',
    'db/work/enqueue.ts',
  ],
  'db/figures': ['lib', 'db', 'db/schema', 'db/people', 'db/policies', 'db/labeling', 'db/rounds'],
  // Migrating ends with the triggers that count.
  'db/migrate.ts': ['lib', 'db', 'db/figures'],

  app: ['lib', 'db/*'],

  'trainer/random.ts': [],
  'trainer/judging.ts': [...engine, 'trainer/diffusion/images'],
  'trainer/known-hash.ts': ['db', 'trainer/diffusion/pipelines'],
  'trainer/graph': ['lib'],
  'trainer/formats': ['lib', 'trainer/graph'],
  'trainer/autodiff': ['lib', 'trainer/graph'],
  'trainer/runtime': ['lib', 'trainer/graph'],
  'trainer/diffusion': ['trainer/graph'],
  'trainer/diffusion/pipelines': [...engine, 'trainer/diffusion', 'trainer/diffusion/schedulers'],
  'trainer/diffusion/schedulers': [...engine, 'trainer/diffusion'],
  'trainer/diffusion/adapters': [...engine, 'trainer/diffusion'],
  'trainer/diffusion/denoise': [
    ...engine,
    'trainer/diffusion',
    'trainer/diffusion/pipelines',
    'trainer/diffusion/adapters',
  ],
  'trainer/diffusion/images': [...engine, 'trainer/diffusion', 'trainer/diffusion/pipelines'],
  'trainer/diffusion/sampling': [...engine, 'trainer/diffusion/*'],
  'trainer/rewards': [...engine, 'trainer/diffusion/*'],
  'trainer/rewards/learned': ['trainer/rewards', ...engine, 'trainer/diffusion/*'],
  'trainer/rewards/imported': ['trainer/rewards', ...engine, 'trainer/diffusion/*'],
  // A top-level file is a method, or the table of them; what they share lies in the rooms below.
  'trainer/methods': ['lib', ...diffusion, 'trainer/methods/*'],
  'trainer/methods/optimizer': diffusion,
  'trainer/methods/policy': ['trainer/methods/optimizer', ...diffusion],
  'trainer/methods/transitions': [...policy, ...diffusion],
  'trainer/methods/noised-images': [...policy, ...diffusion],
  'trainer/methods/rollouts': [...policy, 'trainer/rewards', ...diffusion],
  'trainer/methods/policy-gradient': [
    ...policy,
    'trainer/methods/rollouts',
    'trainer/methods/transitions',
    'trainer/rewards',
    ...diffusion,
  ],
  'trainer/methods/spo': [
    ...policy,
    'trainer/methods/rollouts',
    'trainer/methods/transitions',
    'trainer/methods/policy-gradient',
    'trainer/rewards',
    ...diffusion,
  ],
  'trainer/judges': ['db/policies', ...engine, 'trainer/diffusion/images', 'trainer/judging.ts'],
  'trainer/hands': [
    'db/*',
    ...engine,
    'trainer/diffusion/*',
    'trainer/random.ts',
    'trainer/judging.ts',
    'trainer/known-hash.ts',
  ],
  'trainer/rounds': ['lib', 'db/*', 'trainer/*'],
  trainer: ['lib', 'db/*', 'trainer/*'],

  // Scripts speak to the web app over HTTP and share its routes' schemas.
  scripts: ['lib', 'db/*', 'trainer/*', 'app/api/*'],
};

/** Packages that lib may use: it holds rules, so nothing that reads, writes or waits. */
const purePackages = new Set(['ml-matrix', 'zod']);

/** Beyond this a folder is a list. */
const filesMax = 21;

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

/** Whether a room's list lets it import a file. */
function isAllowed(target: string, room: string): boolean {
  const targetRoom = roomOf(target) ?? target;
  return [room, ...mayImport[room]!].some((allowed) =>
    allowed.endsWith('/*') ? isWithin(target, allowed.slice(0, -2)) : targetRoom === allowed,
  );
}

/** The path of what a file imports, without ending as it stands there; undefined for packages. */
function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('@/')) return specifier.slice(2);
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

/** Imports in a file that its room forbids, as sentences; `path` is relative to the root. */
function violations(path: string, text: string): string[] {
  const room = roomOf(path);
  if (!room) return [];
  return importsOf(text).flatMap((specifier) => {
    const target = targetOf(path, specifier);
    if (target === undefined) {
      if (room !== 'lib' || purePackages.has(specifier.split('/')[0]!)) return [];
      return [`${path} imports '${specifier}', but lib holds rules without I/O`];
    }
    if (target.startsWith('..')) return [`${path} imports '${specifier}' from outside the project`];
    if (!target.includes('/') || isAllowed(`${target}.ts`, room)) return [];
    return [
      `${path} imports '${specifier}', but ${room} may import only ${mayImport[room]!.join(', ')}`,
    ];
  });
}

/**
 * Files that import each other in a circle: each group as a sentence. Tarjan's strongly connected
 * components.
 */
function circles(sources: ReadonlyMap<string, string>): string[] {
  const stem = (path: string) => path.replace(sourceFile, '');
  const byStem = new Map([...sources.keys()].map((path) => [stem(path), path]));
  const importsOfFile = (path: string) =>
    importsOf(sources.get(path)!).flatMap((specifier) => {
      const target = targetOf(path, specifier);
      return byStem.get(target === undefined ? '' : stem(target)) ?? [];
    });
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): number => {
    const order = low.size;
    low.set(path, order);
    open.push(path);
    let lowest = order;
    for (const next of importsOfFile(path)) {
      if (!low.has(next)) lowest = Math.min(lowest, visit(next));
      else if (open.includes(next)) lowest = Math.min(lowest, low.get(next)!);
    }
    low.set(path, lowest);
    if (lowest === order) {
      const circle = open.splice(open.indexOf(path));
      if (circle.length > 1 || importsOfFile(path).includes(path)) found.push(circle);
    }
    return lowest;
  };
  for (const path of sources.keys()) if (!low.has(path)) visit(path);
  return found.map((circle) => `These import each other: ${circle.toSorted().join(', ')}`);
}

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && sourceFile.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

const rooms = ['app', 'lib', 'db', 'trainer', 'scripts'];
const sources = new Map(
  rooms
    .flatMap((room) => sourcesUnder(join(root, room)))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
);

describe('rooms import only downwards', () => {
  it.each(rooms)('%s', (room) => {
    const ofRoom = [...sources].filter(([path]) => isWithin(path, room));
    expect(ofRoom.length).toBeGreaterThan(0);
    expect(ofRoom.flatMap(([path, text]) => violations(path, text))).toEqual([]);
  });

  it('and never in a circle', () => {
    expect(circles(sources)).toEqual([]);
  });
});

/**
 * A backup is a folder, so those who write and read one name it; where the blobs in use lie, nobody
 * else knows.
 */
const mayNameFolders = ['db/blobs/', 'scripts/backup/', 'scripts/restore/'];

describe('where a blob lies', () => {
  it('is known in its room and to backups', () => {
    const names = [...sources].flatMap(([path, text]) => {
      const targets = importsOf(text).map((specifier) => targetOf(path, specifier));
      return targets.includes('db/blobs/folder') ? [path] : [];
    });
    expect(names).toContain('db/blobs/blobs.ts');
    expect(names.filter((path) => !mayNameFolders.some((room) => path.startsWith(room)))).toEqual(
      [],
    );
  });
});

describe('a room can be held in the head', () => {
  it('a folder has so many files at most; whoever needs more names its parts', () => {
    const counts = new Map<string, number>();
    for (const path of sources.keys()) {
      const folder = posix.dirname(path);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    expect([...counts].filter(([, files]) => files > filesMax)).toEqual([]);
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
    ['trainer/methods/transitions/trainer.ts', "import { d3po } from '../d3po';"],
    ['trainer/methods/rollouts/roller.ts', "import { layOut } from '../transitions/examples';"],
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

describe('the circle that is refused', () => {
  it('is found however long, by type or by value', () => {
    const three = new Map([
      ['lib/a.ts', "import { b } from './b';"],
      ['lib/b.ts', "import type { C } from '@/lib/c';"],
      ['lib/c.ts', "export { a } from '../lib/a';"],
      ['lib/d.ts', "import { a } from './a';"],
    ]);
    expect(circles(three)).toEqual(['These import each other: lib/a.ts, lib/b.ts, lib/c.ts']);
    three.set('lib/c.ts', '');
    expect(circles(three)).toEqual([]);
  });
});
