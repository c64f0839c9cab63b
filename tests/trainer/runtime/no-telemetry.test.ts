import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { float32 } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';
import { addModel } from './models';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'darkroom-user-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

it('an engine leaves nothing in the folders of the person who runs it', async () => {
  for (const name of ['HOME', 'USERPROFILE', 'LOCALAPPDATA']) vi.stubEnv(name, home);
  for (const name of ['CACHE', 'CONFIG', 'DATA', 'STATE']) vi.stubEnv(`XDG_${name}_HOME`, home);
  // What somebody has said elsewhere does not count here.
  vi.stubEnv('ORT_DISABLE_TELEMETRY', '0');
  // Where one of these is set, ONNX Runtime keeps still by itself.
  for (const name of ['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'GITLAB_CI', 'JENKINS_URL']) {
    vi.stubEnv(name, undefined);
  }
  const engine = await Engine.open({ device: 'cpu', threads: 1 });
  const session = await engine.load(addModel(), { name: 'add' });
  const ones = float32([4], [1, 1, 1, 1]);
  await session.run({ a: ones, b: ones });
  await engine.close();
  expect(await readdir(home, { recursive: true })).toEqual([]);
});

it('nothing else loads the library', async () => {
  const rooms = ['app', 'db', 'lib', 'scripts', 'tests', 'trainer'];
  const listed = rooms.map(async (room) =>
    (await readdir(join(root, room), { recursive: true })).map((path) => join(room, path)),
  );
  const files = (await Promise.all(listed)).flat().filter((path) => /\.(ts|tsx|mjs)$/.test(path));
  const loads = /(from|import|import\(|require\(|resolve\()\s*'onnxruntime-node'/;
  const found: string[] = [];
  for (const path of files) {
    if (loads.test(await readFile(join(root, path), 'utf8'))) found.push(path);
  }
  expect(found).toEqual([join('trainer', 'runtime', 'onnxruntime.ts')]);
});
