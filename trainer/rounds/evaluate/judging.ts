/** @file What a program sees in images: defects, the prompt's attributes, and how different images are. */
import { existsSync } from 'node:fs';
import type { Verdict } from '@/lib/samples';
import type { RgbImage } from '@/trainer/diffusion/images/png';
import { Judge as HandsJudge, judgePath } from '@/trainer/hands/judge/judge';
import { allPairsDiversity } from '@/trainer/hands/judge/perceptual';
import { promptAgreement } from '@/trainer/hands/judge/verdict';
import { parsePrompt } from '@/trainer/hands/prompts';
import type { Engine } from '@/trainer/runtime/engine';

export interface JudgedImage {
  prompt: string;
  image: RgbImage;
}

export interface Reading {
  verdict: Verdict;
  /** A point in the judge's perceptual space. */
  features: Float32Array;
}

/** A judge of one pipeline's images. */
export interface Judge {
  name: string;
  read(images: readonly JudgedImage[]): Promise<Reading[]>;
  /** Mean perceptual distance of all pairs; null for fewer than two. */
  diversity(features: readonly Float32Array[]): number | null;
}

async function openHandsJudge(engine: Engine): Promise<Judge | undefined> {
  if (!existsSync(judgePath('a'))) return undefined;
  const judge = await HandsJudge.open(engine, 'a');
  const name = `hands ${judge.name}`;
  return {
    name,
    async read(images) {
      const measured = await judge.measure(images.map(({ image }) => image.data));
      return measured.map(({ verdict, features }, i) => {
        const { fingers, deformed, blood, skin, sleeve, background, pose } = verdict;
        const { deformedProbability, bloodProbability } = verdict;
        const wanted = parsePrompt((images[i] as JudgedImage).prompt);
        return {
          features,
          verdict: {
            judge: name,
            ...(typeof fingers === 'number' && { fingers }),
            deformed,
            blood,
            attributes: { skin, sleeve, background, pose },
            alignment: promptAgreement(wanted, verdict),
            scores: { deformed: deformedProbability, blood: bloodProbability },
          },
        };
      });
    },
    diversity: (features) => (features.length < 2 ? null : allPairsDiversity(features)),
  };
}

/** Pipelines whose images a program can judge. */
const judges: Readonly<Record<string, (engine: Engine) => Promise<Judge | undefined>>> = {
  hands: openHandsJudge,
};

/** The files of the judges of a pipeline's images. */
export function judgeFiles(pipeline: string): string[] {
  if (pipeline !== 'hands') return [];
  return (['a', 'b'] as const).map(judgePath).filter((path) => existsSync(path));
}

/** The judge of a pipeline's images, if there is one. */
export async function judgeOf(pipeline: string, engine: Engine): Promise<Judge | undefined> {
  return judges[pipeline]?.(engine);
}

/** How many defects a verdict names. */
function defects(verdict: Verdict): number {
  return Number(verdict.deformed ?? false) + Number(verdict.blood ?? false);
}

/** Which of two images of one prompt a judge prefers: fewer defects, then closer to the prompt. Positive: the first. */
export function compareVerdicts(first: Verdict, second: Verdict): number {
  return defects(second) - defects(first) || (first.alignment ?? 0) - (second.alignment ?? 0);
}
