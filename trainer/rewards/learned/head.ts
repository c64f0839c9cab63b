/**
 * @file A learned reward as a file: the linear reading of the features, as safetensors of a few
 * kilobytes.
 */
import { z } from 'zod';
import { learnedSourceSchema } from '@/lib/rewards';
import {
  parseSafetensors,
  SafetensorsError,
  serializeSafetensors,
} from '@/trainer/formats/safetensors';
import { concatenated, expectDtype, float32 } from '@/trainer/graph/tensor';

export interface Head {
  source: z.infer<typeof learnedSourceSchema>;
  /** The pipeline whose features it reads. */
  pipelineHash: string;
  /** Features are standardized by these over the images it was trained on, [width] each. */
  mean: Float32Array;
  deviation: Float32Array;
  /** [width], on standardized features; calibrated, so that scores are logits. */
  weights: Float32Array;
  intercept: number;
  /**
   * Columns whose products with standardized features, squared and summed up, are the variance of
   * the score, [width] each; of models that know it.
   */
  spread?: readonly Float32Array[];
}

const format = 'darkroom-reward-1';

const noteSchema = z.object({
  source: learnedSourceSchema,
  pipelineHash: z.string(),
  intercept: z.number(),
});

/** The same head gives the same bytes. */
export function serializeHead({ mean, deviation, weights, spread, ...note }: Head): Uint8Array {
  const tensors = new Map(
    Object.entries({ mean, deviation, weights }).map(([name, values]) => [
      name,
      float32([values.length], values),
    ]),
  );
  if (spread) {
    const dims = [spread.length, weights.length];
    tensors.set('spread', float32(dims, concatenated(spread)));
  }
  return serializeSafetensors(tensors, { format, reward: JSON.stringify(noteSchema.parse(note)) });
}

/** Reads what `serializeHead` wrote; `source` is the name for errors. */
export function parseHead(bytes: Uint8Array, source: string): Head {
  const { tensors, metadata } = parseSafetensors(bytes, source);
  const note = noteSchema.safeParse(jsonOf(metadata.reward)).data;
  if (metadata.format !== format || !note) {
    throw new SafetensorsError(`${source} is no reward model of Darkroom's. Train it again.`);
  }
  const read = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new SafetensorsError(`${source} lacks "${name}". Train it again.`);
    return expectDtype(found, 'float32', `"${name}" of ${source}`).data;
  };
  const weights = read('weights');
  const rows = tensors.has('spread') ? read('spread') : new Float32Array();
  const spread = Array.from({ length: rows.length / weights.length }, (_, row) =>
    rows.slice(row * weights.length, (row + 1) * weights.length),
  );
  return {
    ...note,
    ...{ mean: read('mean'), deviation: read('deviation'), weights },
    ...(spread.length > 0 && { spread }),
  };
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
