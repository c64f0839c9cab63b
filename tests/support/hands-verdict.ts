import type { Verdict } from '@/lib/samples';
import type { Proportion } from '@/lib/statistics/proportion';
import { handsJudge } from '@/trainer/hands/judge/declaration';
import { verdictOf } from '@/trainer/judging';

/** What a judge of hands says of an image. */
export function handsVerdict(
  name: string,
  { deformed, blood = false, fingers }: { deformed: boolean; blood?: boolean; fingers?: number },
  rest: Pick<Verdict, 'attributes' | 'alignment'> = {},
): Verdict {
  const counted = fingers === undefined ? {} : { count: fingers };
  return verdictOf(
    { name, declared: handsJudge },
    {
      ...rest,
      defects: {
        deformed: { found: deformed, score: Number(deformed), ...counted },
        blood: { found: blood, score: Number(blood) },
      },
    },
  );
}

/** Rates as a summary holds them. */
export function handsRates(deformed: Proportion, blood: Proportion = { count: 0, n: deformed.n }) {
  return { defects: { deformed, blood } };
}
