/**
 * @file Takes a judge over from a package: its networks are converted and tried, the pipeline
 * declares what it measures, and it reads what people have looked at, so that the two can be
 * compared.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline as streamed } from 'node:stream/promises';
import { getBlob } from '@/db/blobs/blobs';
import { judgeAgreement, unreadSeenSamples } from '@/db/figures/judge-agreement';
import { migrateDatabase } from '@/db/migrate';
import { declaredJudge, declareJudge } from '@/db/policies/declared';
import { listPipelines } from '@/db/policies/list';
import { listRewardModels } from '@/db/rewards/reward-models';
import { setVerdicts } from '@/db/rounds/samples';
import { AppError } from '@/lib/errors';
import { importedJudges, partSettings, withPart } from '@/lib/judges/imported';
import { type CountedKind, kindsOf } from '@/lib/judges/judging';
import type { JudgePart } from '@/lib/judges/parts';
import type { Marked } from '@/lib/statistics/agreement';
import { decodePng } from '@/trainer/diffusion/images/png';
import { type FoundJudge, judgesIn, packageFolder } from '@/trainer/judges/packages';
import { takeOver } from '@/trainer/judges/take-over';
import { rewardFiles } from '@/trainer/rewards/imported/identity';
import { readManifest } from '@/trainer/rewards/imported/manifest';
import { hasOwnJudge, judgeOf } from '@/trainer/rounds/evaluate/judging';
import type { Engine } from '@/trainer/runtime/engine';

export interface JudgeImport {
  packageOrFolder: string;
  /** Unless told the only one that has no judge of its own. */
  pipeline?: string;
  settings: Readonly<Record<string, number>>;
  /** So many images that people have looked at are read at once. */
  images: number;
}

export interface ImportedJudgeReport {
  pipeline: string;
  parts: JudgePart[];
  /** Images that it has read. */
  read: number;
  /** What the judge (first) and people (second) marked. */
  agreement: Partial<Record<CountedKind, Marked>>;
}

const atOnce = 16;

/** Throws what is wrong with the package or the pipeline, and has changed nothing then. */
export async function importJudge(
  engine: Engine,
  { packageOrFolder, pipeline: wanted, settings, images }: JudgeImport,
): Promise<ImportedJudgeReport> {
  const found = await judgesIn(packageFolder(packageOrFolder));
  const told = settingsOf(found, settings);
  await migrateDatabase();
  const pipeline = await pipelineFor(wanted);
  const parts: JudgePart[] = [];
  for (const judge of found) {
    const networks = await takeOver(engine, judge);
    await refuseReward(pipeline, Object.values(networks));
    parts.push({ kind: judge.kind, source: judge.source, networks, settings: told(judge.kind) });
  }
  await declareJudge(pipeline, (judge) => {
    let declared = judge;
    for (const part of parts) declared = withPart(declared, part);
    return declared!;
  });
  return { pipeline, parts, ...(await compare(engine, pipeline, images)) };
}

/** Each judge's own settings, of those given. */
function settingsOf(
  found: readonly FoundJudge[],
  given: Readonly<Record<string, number>>,
): (kind: JudgePart['kind']) => JudgePart['settings'] {
  const ofKind = (kind: JudgePart['kind']) =>
    Object.entries(given).filter(([name]) => Object.hasOwn(importedJudges[kind].settings, name));
  const known = new Set(found.flatMap(({ kind }) => ofKind(kind).map(([name]) => name)));
  const unknown = Object.keys(given).find((name) => !known.has(name));
  // Says which there are.
  if (unknown !== undefined) partSettings(found[0]!.kind, { [unknown]: given[unknown]! });
  for (const { kind } of found) partSettings(kind, Object.fromEntries(ofKind(kind)));
  return (kind) => partSettings(kind, Object.fromEntries(ofKind(kind)));
}

async function pipelineFor(wanted: string | undefined): Promise<string> {
  const all = await listPipelines();
  const without = all.filter((name) => !hasOwnJudge(name));
  if (wanted !== undefined && hasOwnJudge(wanted)) {
    throw new AppError(
      'conflict',
      `${wanted} comes with a judge of its own, which knows its images better. Give another pipeline.`,
    );
  }
  const [only] = wanted === undefined && without.length === 1 ? without : [wanted];
  if (only !== undefined && all.includes(only)) return only;
  const there = without.length > 0 ? `There are: ${without.join(', ')}.` : 'Import a model first.';
  throw new AppError(
    wanted === undefined ? 'bad-request' : 'not-found',
    wanted === undefined
      ? `Say which pipeline's images it judges: --pipeline NAME. ${there}`
      : `There is no pipeline "${wanted}" here. ${there}`,
  );
}

/** A judge may never be the reward of the policies that it measures. */
async function refuseReward(pipeline: string, hashes: readonly string[]): Promise<void> {
  for (const { folder, version } of await listRewardModels({ pipeline, states: ['ready'] })) {
    if (folder === null) continue;
    const files = await rewardFilesIn(folder);
    for (const file of files) {
      if (!hashes.includes(await hashOf(file))) continue;
      throw new AppError(
        'conflict',
        `Imported ${version}, a reward of ${pipeline}, is this very network (${file}): a rate that training optimised says nothing. Take another judge.`,
      );
    }
  }
}

/** None where the folder is gone: nothing can follow such a reward. */
async function rewardFilesIn(folder: string): Promise<string[]> {
  try {
    const files = await rewardFiles(folder, await readManifest(folder));
    return files.map((file) => join(folder, file));
  } catch {
    return [];
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await streamed(createReadStream(path), hash);
  return hash.digest('hex');
}

async function compare(engine: Engine, pipeline: string, images: number) {
  const judge = (await judgeOf(pipeline, engine))!;
  const unread = await unreadSeenSamples(pipeline, judge.name, images);
  for (let first = 0; first < unread.length; first += atOnce) {
    const some = unread.slice(first, first + atOnce);
    const shown = await Promise.all(
      some.map(async ({ prompt, imageBlob }) => ({
        prompt,
        image: decodePng(await getBlob(imageBlob), `The image ${imageBlob}`),
      })),
    );
    const readings = await judge.read(shown);
    await setVerdicts(
      some.map(({ id: sampleId }, i) => ({ sampleId, verdict: readings[i]!.verdict })),
    );
  }
  const kinds = kindsOf(await declaredJudge(pipeline));
  return {
    read: unread.length,
    agreement: Object.fromEntries(
      await Promise.all(
        kinds.map(async (kind) => [kind, await judgeAgreement(pipeline, kind, judge.name)]),
      ),
    ),
  };
}
