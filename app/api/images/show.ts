import type { EvaluationFrame } from '@/db/evaluation-frames';
import type { Sample } from '@/db/samples';
import type { Frame, ShownImage } from './schema';

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

export function showFrame({ prompt, seed, samples }: EvaluationFrame): Frame {
  return { prompt, seed, images: samples.map((sample) => sample && showImage(sample)) };
}
