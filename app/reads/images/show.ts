import type { EvaluationFrame } from '@/db/rounds/evaluation-frames';
import type { Sample } from '@/db/schema/labels';
import { type DeclaredJudge, defectsAmong } from '@/lib/judges/judging';
import type { Verdict } from '@/lib/samples';
import type { Frame, ShownDefect, ShownImage } from '../../api/images/schema';

/** A sample as pages show it: where its image lies and what the judge of its pipeline saw. */
export function showImage(
  { id, imageBlob, width, height, verdict }: Sample,
  judge: DeclaredJudge | null,
): ShownImage {
  return {
    sampleId: id,
    src: `/api/images/${imageBlob}`,
    width,
    height,
    verdict: verdict && {
      defects: showDefects(verdict, judge),
      sensitive: verdict.flags.includes('nsfw'),
      alignment: verdict.alignment,
    },
  };
}

/** The defects that were found, in the order in which the judge declares them. */
function showDefects({ defects }: Verdict, judge: DeclaredJudge | null): ShownDefect[] {
  return defectsAmong(judge, defects).flatMap(({ id, finding, counted, countsAs }) => {
    const { found, count } = defects[id]!;
    if (!found) return [];
    const isCounted = counted !== undefined && count !== undefined;
    return {
      id,
      words: isCounted ? `${count} ${counted}` : finding,
      mark: isCounted ? String(count) : countsAs === 'nsfw' ? '●' : '✕',
      sensitive: countsAs === 'nsfw',
    };
  });
}

/** A frame of samples. @param rewards by sample, of those whose reward is known */
export function showFrame(
  { prompt, seed, samples }: EvaluationFrame,
  judge: DeclaredJudge | null,
  rewards: Readonly<Record<string, number>> = {},
): Frame {
  const images = samples.map(
    (sample) => sample && { ...showImage(sample, judge), reward: rewards[sample.id] },
  );
  return { prompt, seed, images };
}
