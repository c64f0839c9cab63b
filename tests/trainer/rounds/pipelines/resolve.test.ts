import { appendFile, cp, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { keepFolder } from '@/db/policies/pipeline-folders';
import { ensureBasePolicy, type Policy } from '@/db/policies/policies';
import { countReads } from '@/tests/support/counted-reads';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import {
  handsFolder,
  openNewest,
  openPolicy,
  pipelineFolder,
} from '@/trainer/rounds/pipelines/resolve';
import { withHomes, withTinyPipeline } from '../support';

const reads = countReads();
const tiny = withTinyPipeline();
const homes = withHomes();
let folder: string;
let hash: string;
let parent: string;

beforeAll(async () => {
  await homes.make();
  hash = await pipelineHash(tiny.folder);
});

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'darkroom-moved-'));
  folder = join(parent, 'tiny');
  await cp(tiny.folder, folder, { recursive: true });
});

afterEach(() => rm(parent, { recursive: true }));

/** V8's own, which Node shows only when asked. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** A base policy of a pipeline with a name, in the folder of this test. */
async function baseNamed(name: string, where = folder): Promise<Policy> {
  keepFolder({ pipeline: name, hash, folder: where });
  return ensureBasePolicy({ pipeline: name, name, hash });
}

it('shares one pipeline among all who open it, without reading it again', async () => {
  const base = await baseNamed('shared');
  const first = await openPolicy(base.id);
  reads.forget();
  const [second, newest] = await Promise.all([openPolicy(base.id), openNewest('shared')]);
  expect(second.pipeline).toBe(first.pipeline);
  expect(newest.pipeline).toBe(first.pipeline);
  expect(reads.under(folder)).toBe(0);
});

it('reads a pipeline once for two who open it at once', async () => {
  const base = await baseNamed('at-once');
  await utimes(join(folder, 'model_index.json'), new Date(), new Date());
  reads.forget();
  const [one, other] = await Promise.all([openPolicy(base.id), openPolicy(base.id)]);
  expect(one.pipeline).toBe(other.pipeline);
  // Parsed, and hashed.
  expect(reads.of(join(folder, 'vae_decoder/model.onnx'))).toBe(2);
});

it('keeps one pipeline in memory between two pieces of work, not two', async () => {
  const first = new WeakRef((await openNewest((await baseNamed('one')).pipeline)).pipeline);
  const base = await baseNamed('one');
  collectGarbage();
  expect((await openPolicy(base.id)).pipeline).toBe(first.deref());
  const twin = join(parent, 'twin');
  await cp(folder, twin, { recursive: true });
  await openPolicy((await baseNamed('twin', twin)).id);
  // A WeakRef holds what it was asked for until the current job is over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collectGarbage();
  expect(first.deref()).toBeUndefined();
});

it('opens a touched folder as before, and says which files of a changed one to put back', async () => {
  const base = await baseNamed('changing');
  const path = join(folder, 'scheduler/scheduler_config.json');
  await utimes(path, new Date(), new Date(1_700_000_000_000));
  expect((await openPolicy(base.id)).pipelineHash).toBe(hash);

  const former = await readFile(path);
  await appendFile(path, ' ');
  const now = (await pipelineHash(folder)).slice(0, 12);
  for (let time = 0; time < 2; time++) {
    await expect(openPolicy(base.id)).rejects.toThrow(
      `The files of the pipeline "changing" in ${folder} have changed since policy "changing" was made of them (hash ${now}, not ${hash.slice(0, 12)}). Put the former files back`,
    );
  }
  await writeFile(path, former);
  expect((await openPolicy(base.id)).pipelineHash).toBe(hash);
});

it('knows a pipeline by name and hash, wherever it is said to lie', async () => {
  const base = await baseNamed('moving');
  const moved = join(parent, 'elsewhere');
  await rename(folder, moved);
  await expect(openPolicy(base.id)).rejects.toThrow(
    `The pipeline "moving" (hash ${hash.slice(0, 12)}) is not where it was: ${join(folder, 'model_index.json')} does not exist. Put the folder back, or say where it lies now: npm run policy:import -- FOLDER --name "moving".`,
  );
  keepFolder({ pipeline: 'moving', hash, folder: moved });
  expect((await openPolicy(base.id)).pipeline.folder).toBe(moved);
});

it('resolves the built-in pipeline, and names that are folders from before there were names', async () => {
  expect(pipelineFolder({ pipeline: 'hands', hash: 'any' })).toBe(handsFolder);
  expect(pipelineFolder({ pipeline: folder, hash })).toBe(folder);
  keepFolder({ pipeline: folder, hash, folder: '/elsewhere' });
  expect(pipelineFolder({ pipeline: folder, hash })).toBe('/elsewhere');
  expect(pipelineFolder({ pipeline: folder, hash: 'another' })).toBe(folder);
  expect(() => pipelineFolder({ pipeline: 'unheard', hash })).toThrow(
    `Nobody has said where the pipeline "unheard" (hash ${hash.slice(0, 12)}) lies on this machine. Say so: npm run policy:import -- FOLDER --name "unheard".`,
  );
});
