/** @file Which program judges the images of which pipeline. */
import { handsJudgeFiles, openHandsJudge } from '@/trainer/hands/judge/opened';
import type { Judge } from '@/trainer/judging';
import type { Engine } from '@/trainer/runtime/engine';

interface JudgeOfPipeline {
  open(engine: Engine): Promise<Judge | undefined>;
  files(): string[];
}

/** Pipelines whose images a program can judge. */
const judges: Readonly<Record<string, JudgeOfPipeline>> = {
  hands: { open: openHandsJudge, files: handsJudgeFiles },
};

/** The files of the judges of a pipeline's images. */
export function judgeFiles(pipeline: string): string[] {
  return judges[pipeline]?.files() ?? [];
}

/** The judge of a pipeline's images, if there is one. */
export async function judgeOf(pipeline: string, engine: Engine): Promise<Judge | undefined> {
  return judges[pipeline]?.open(engine);
}
