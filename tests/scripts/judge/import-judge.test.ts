import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { declaredJudge } from '@/db/policies/declared';
import { judgeFile } from '@/db/policies/judge-files';
import { ensureBasePolicy } from '@/db/policies/policies';
import { evaluationsOf } from '@/db/rounds/metrics';
import { getRound } from '@/db/rounds/rounds';
import { listSamples } from '@/db/rounds/samples';
import { importJudge } from '@/scripts/judge/import-judge';
import { tryImported } from '@/trainer/rounds/rewards/import-model';
import { Engine } from '@/trainer/runtime/engine';
import { setFlag } from '../../support/flags';
import {
  annotatorId,
  baseOn,
  labelEverything,
  startRunFrom,
  untilRound,
  withTinyPipeline,
  withWorker,
} from '../../trainer/rounds/support';

const pipeline = withTinyPipeline();
withWorker();

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', lanes: 1 });
});
afterAll(() => engine.close());

const hands = 'tests/fixtures/tfjs/hands';
const nsfw = 'tests/fixtures/tfjs/nsfw';
const asked = { settings: {}, images: 200 };

it('a pipeline without a judge gets rates, compared with what people flag', async () => {
  const base = await baseOn(pipeline.folder);
  const round = await startRunFrom(base);
  await untilRound(round.id, ({ state }) => state === 'labeling');
  const drawn = await listSamples({ roundId: round.id, purpose: 'training' });
  expect(drawn.every(({ verdict }) => verdict === null)).toBe(true);
  await setFlag({ sampleId: drawn[0]!.id, kind: 'nsfw', annotatorId });
  await setFlag({ sampleId: drawn[1]!.id, kind: 'artifact', annotatorId });

  // So low that whatever is drawn counts.
  const report = await importJudge(engine, {
    ...asked,
    packageOrFolder: nsfw,
    settings: { threshold: 0.01 },
  });
  expect(report).toMatchObject({
    pipeline: pipeline.folder,
    parts: [{ kind: 'nsfw', source: 'nsfw', settings: { threshold: 0.01 } }],
    read: 2,
    agreement: { nsfw: { both: 1, firstOnly: 1, secondOnly: 0, neither: 0 } },
  });
  expect(report.agreement).not.toHaveProperty('hand');
  const [read] = await listSamples({ roundId: round.id, purpose: 'training' });
  expect(read!.verdict).toMatchObject({ defects: { nsfw: { found: true } }, flags: ['nsfw'] });

  await importJudge(engine, { ...asked, packageOrFolder: hands, pipeline: pipeline.folder });
  const declared = await declaredJudge(pipeline.folder);
  expect(declared?.measures.map(({ id }) => id)).toEqual(['bad-hand', 'no-hand', 'nsfw']);

  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done');
  const { resultPolicyId } = await getRound(round.id);
  const [evaluation] = await evaluationsOf({ policyId: resultPolicyId as string });
  expect(evaluation!.summary).toMatchObject({
    judge: expect.stringMatching(
      /^hands \(\w{8}, detection 0\.5.+\) \+ nsfw \(\w{8}, threshold 0\.01\)$/,
    ),
    defects: { nsfw: { count: 8, n: 8 }, 'bad-hand': { n: 8 }, 'no-hand': { n: 8 } },
    // Both prompts ask for a hand, and random weights draw none that is red.
    alignment: null,
    diversity: null,
    // Not before it has been compared with people does its word decide.
    winRate: null,
  });
});

it('the networks of a judge are no reward', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reward-'));
  const { imported } = (await declaredJudge(pipeline.folder))!;
  const part = imported!.find(({ kind }) => kind === 'nsfw')!;
  await copyFile(judgeFile(part.networks.classifier!), join(folder, 'model.onnx'));
  const manifest = { name: 'Mine', version: '1', layout: 'plain', image: { file: 'model.onnx' } };
  await writeFile(join(folder, 'reward.json'), JSON.stringify(manifest));
  await expect(tryImported(engine, pipeline.folder, folder)).rejects.toThrow(
    /is the judge that measures the policies of/,
  );
});

it.each([
  [
    'a package that is not installed',
    { packageOrFolder: 'nsfwjs-of-nobody' },
    /neither a folder nor an installed package "nsfwjs-of-nobody"/,
  ],
  [
    'a setting that is none',
    { settings: { temperature: 1 } },
    /has no setting temperature\. There are: threshold/,
  ],
  [
    'a setting out of range',
    { settings: { threshold: 2 } },
    /threshold lies between 0\.01 and 0\.99; 2 does not/,
  ],
  ['a pipeline that is none', { pipeline: 'sdxl' }, /There is no pipeline "sdxl" here/],
  ['the built-in pipeline', { pipeline: 'hands' }, /comes with a judge of its own/],
])('refuses %s', async (_, given, message) => {
  const before = await declaredJudge(pipeline.folder);
  await expect(importJudge(engine, { ...asked, packageOrFolder: nsfw, ...given })).rejects.toThrow(
    message,
  );
  expect(await declaredJudge(pipeline.folder)).toEqual(before);
});

it('refuses a network that gives no numbers, and keeps nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'judge-'));
  await mkdir(folder, { recursive: true });
  const bytes = await readFile(join(nsfw, 'model.bin'));
  bytes.writeFloatLE(Number.NaN, bytes.length - 4);
  await copyFile(join(nsfw, 'model.json'), join(folder, 'model.json'));
  await writeFile(join(folder, 'model.bin'), bytes);
  const before = await declaredJudge(pipeline.folder);
  await expect(importJudge(engine, { ...asked, packageOrFolder: folder })).rejects.toThrow(
    /gives numbers that are none/,
  );
  expect(await declaredJudge(pipeline.folder)).toEqual(before);
});

it('asks which pipeline where there are several', async () => {
  await ensureBasePolicy({ pipeline: 'another', name: 'another', hash: 'x' });
  await expect(importJudge(engine, { ...asked, packageOrFolder: nsfw })).rejects.toThrow(
    /Say which pipeline's images it judges: --pipeline NAME\. There are: .+another/,
  );
});

it('says how to bring back networks that are gone', async () => {
  const { imported } = (await declaredJudge(pipeline.folder))!;
  for (const hash of imported!.flatMap(({ networks }) => Object.values(networks))) {
    await rm(judgeFile(hash));
  }
  const { judgeOf } = await import('@/trainer/rounds/evaluate/judging');
  await expect(judgeOf(pipeline.folder, engine)).rejects.toThrow(
    /is not in this data folder .+ Import it again: npm run judge:import -- @vladmandic\/human --pipeline/,
  );
});
