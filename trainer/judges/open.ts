/** @file Judges that were taken over from packages, at work. */
import { hasJudgeFile, judgeFile } from '@/db/policies/judge-files';
import { AppError } from '@/lib/errors';
import { importedJudges, importedName } from '@/lib/judges/imported';
import type { DeclaredJudge } from '@/lib/judges/judging';
import type { JudgePart, PartKind } from '@/lib/judges/parts';
import type { Verdict } from '@/lib/samples';
import { type Judge, verdictOf } from '@/trainer/judging';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { handsPart } from './hands';
import { nsfwPart } from './nsfw';
import type { Part } from './part';

type Networks = Readonly<Record<string, Session>>;

const parts: Readonly<
  Record<PartKind, (networks: Networks, settings: JudgePart['settings']) => Part>
> = {
  hands: ({ detector, landmarks }, settings) =>
    handsPart({ detector: detector!, landmarks: landmarks! }, settings),
  nsfw: ({ classifier }, settings) => nsfwPart({ classifier: classifier! }, settings),
};

/** The networks of an imported judge, as files; those that are not there are left out. */
export function importedFiles(judge: DeclaredJudge | null): string[] {
  return (judge?.imported ?? [])
    .flatMap(({ networks }) => Object.values(networks))
    .filter(hasJudgeFile)
    .map(judgeFile);
}

/**
 * Opens a pipeline's imported judge; undefined where it declares none. Throws 'not-found' where its
 * networks are not on this machine.
 */
export async function openImportedJudge(
  engine: Engine,
  pipeline: string,
  declared: DeclaredJudge | null,
): Promise<Judge | undefined> {
  if (!declared?.imported) return undefined;
  const opened: Part[] = [];
  for (const part of declared.imported) opened.push(await openPart(engine, pipeline, part));
  const said = { name: importedName(declared.imported), declared };
  return {
    ...said,
    async read(images) {
      const readings = [];
      for (const one of images) {
        let defects: Verdict['defects'] = {};
        for (const part of opened) defects = { ...defects, ...(await part.read(one)) };
        // They see what is wrong with an image, not how it differs from another.
        readings.push({ features: new Float32Array(), verdict: verdictOf(said, { defects }) });
      }
      return readings;
    },
    diversity: () => null,
    comparesImages: false,
  };
}

async function openPart(
  engine: Engine,
  pipeline: string,
  { kind, source, networks, settings }: JudgePart,
): Promise<Part> {
  const sessions: Record<string, Session> = {};
  for (const [role, hash] of Object.entries(networks)) {
    if (!hasJudgeFile(hash)) {
      throw new AppError(
        'not-found',
        `The network "${role}" of ${source}, which judges the images of ${pipeline}, is not in this data folder (${judgeFile(hash)}). Import it again: npm run judge:import -- ${importedJudges[kind].package} --pipeline ${JSON.stringify(pipeline)}.`,
      );
    }
    sessions[role] = await engine.load({ path: judgeFile(hash) }, { name: `judge: ${role}` });
  }
  return parts[kind](sessions, settings);
}
