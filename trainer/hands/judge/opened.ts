/** @file A judge of hands as rounds use it: its verdicts in the words that it declares. */
import { existsSync } from 'node:fs';
import { type Judge, verdictOf } from '@/trainer/judging';
import type { Engine } from '@/trainer/runtime/engine';
import { parsePrompt } from '../prompts';
import { handsJudge } from './declaration';
import { Judge as HandsJudge, judgePath } from './judge';
import { allPairsDiversity } from './perceptual';
import { promptAgreement } from './verdict';

/** The judge of what rounds draw; undefined where its model is not there. */
export async function openHandsJudge(engine: Engine): Promise<Judge | undefined> {
  if (!existsSync(judgePath('a'))) return undefined;
  const judge = await HandsJudge.open(engine, 'a');
  const said = { name: `hands ${judge.name}`, declared: handsJudge };
  return {
    ...said,
    async read(images) {
      const measured = await judge.measure(images.map(({ image }) => image.data));
      return measured.map(({ verdict, features }, i) => {
        const { fingers, deformed, blood, skin, sleeve, background, pose } = verdict;
        const wanted = parsePrompt(images[i]!.prompt);
        const count = typeof fingers === 'number' ? { count: fingers } : {};
        return {
          features,
          verdict: verdictOf(said, {
            defects: {
              deformed: { found: deformed, score: verdict.deformedProbability, ...count },
              blood: { found: blood, score: verdict.bloodProbability },
            },
            attributes: { skin, sleeve, background, pose },
            alignment: promptAgreement(wanted, verdict),
          }),
        };
      });
    },
    diversity: (features) => (features.length < 2 ? null : allPairsDiversity(features)),
    comparesImages: true,
  };
}

/** The files of all judges of hands: none of them may be a reward. */
export function handsJudgeFiles(): string[] {
  return (['a', 'b'] as const).map(judgePath).filter((path) => existsSync(path));
}
