/** @file Which program judges the images of which pipeline. */
import { declaredJudge } from '@/db/policies/declared';
import { handsJudgeFiles, openHandsJudge } from '@/trainer/hands/judge/opened';
import { importedFiles, openImportedJudge } from '@/trainer/judges/open';
import type { Judge } from '@/trainer/judging';
import type { Engine } from '@/trainer/runtime/engine';

interface JudgeOfPipeline {
  open(engine: Engine): Promise<Judge | undefined>;
  files(): string[];
}

const ofHands: JudgeOfPipeline = { open: openHandsJudge, files: handsJudgeFiles };

/** Pipelines that come with a program that judges their images. */
const builtIn: Readonly<Record<string, JudgeOfPipeline>> = {
  hands: ofHands,
  'hands-flow': ofHands,
};

/** Whether a pipeline comes with a judge of its own, which none from elsewhere may replace. */
export function hasOwnJudge(pipeline: string): boolean {
  return Object.hasOwn(builtIn, pipeline);
}

/** The files of the judges of a pipeline's images. */
export async function judgeFiles(pipeline: string): Promise<string[]> {
  return builtIn[pipeline]?.files() ?? importedFiles(await declaredJudge(pipeline));
}

/**
 * The judge of a pipeline's images, if there is one. Throws 'not-found' where one was imported and
 * its networks are gone.
 */
export async function judgeOf(pipeline: string, engine: Engine): Promise<Judge | undefined> {
  const own = builtIn[pipeline];
  if (own) return own.open(engine);
  return openImportedJudge(engine, pipeline, await declaredJudge(pipeline));
}
