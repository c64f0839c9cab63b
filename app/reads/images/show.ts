import type { EvaluationFrame } from '@/db/rounds/evaluation-frames';
import type { Sample } from '@/db/schema/labels';
import type { Frame, ShownImage } from '../../api/images/schema';

/** A sample as pages show it: where its image lies and what the judge saw. */
export function showImage({ id, imageBlob, width, height, verdict }: Sample): ShownImage {
  return {
    sampleId: id,
    src: `/api/images/${imageBlob}`,
    width,
    height,
    verdict: verdict && {
      fingers: verdict.fingers,
      deformed: verdict.deformed,
      blood: verdict.blood,
      alignment: verdict.alignment,
    },
  };
}

/** A frame of samples. @param rewards by sample, of those whose reward is known */
export function showFrame(
  { prompt, seed, samples }: EvaluationFrame,
  rewards: Readonly<Record<string, number>> = {},
): Frame {
  const images = samples.map(
    (sample) => sample && { ...showImage(sample), reward: rewards[sample.id] },
  );
  return { prompt, seed, images };
}
