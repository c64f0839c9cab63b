import { z } from 'zod';
import { type Answer, answerSchema } from './answers';
import { purposeSchema } from './samples';

/**
 * One answer in the columns of the Pick-a-Pic data set (yuvalkirstain/pickapic_v2), which trainers
 * such as Diffusion-DPO read unchanged. Image 0 is the left one. Images are named by the sha256 of
 * their bytes; annotators by pseudonyms.
 */
export interface PickAPicRow {
  ranking_id: string;
  user_id: string;
  created_at: string;
  caption: string;
  image_0_uid: string;
  image_1_uid: string;
  /** 1 for the better image, 0 for the other, 0.5 for both after a tie or both bad. */
  label_0: number;
  label_1: number;
  best_image_uid: string;
  are_different: boolean;
  has_label: boolean;
  model_0: string;
  model_1: string;
  num_example_per_prompt: number;
  /** Not Pick-a-Pic's: tells both bad from a tie, and what the answer was for. */
  answer: Answer;
  purpose: string;
  decision_ms: number;
}

/** What is needed of an answer to write it down. */
export interface ExportedAnswer {
  id: string;
  pseudonym: string;
  createdAt: number;
  prompt: string;
  left: { imageBlob: string; policy: string };
  right: { imageBlob: string; policy: string };
  answer: Answer;
  purpose: string;
  decisionMs: number;
  answersToPrompt: number;
}

const labelsOf: Record<Answer, readonly [number, number]> = {
  left: [1, 0],
  right: [0, 1],
  tie: [0.5, 0.5],
  'both-bad': [0.5, 0.5],
};

export function toPickAPic(exported: ExportedAnswer): PickAPicRow {
  const { left, right, answer } = exported;
  const [label0, label1] = labelsOf[answer];
  const best = { left: left.imageBlob, right: right.imageBlob, tie: 'tie', 'both-bad': 'tie' };
  return {
    ranking_id: exported.id,
    user_id: exported.pseudonym,
    created_at: new Date(exported.createdAt).toISOString(),
    caption: exported.prompt,
    image_0_uid: left.imageBlob,
    image_1_uid: right.imageBlob,
    label_0: label0,
    label_1: label1,
    best_image_uid: best[answer],
    are_different: label0 !== label1,
    has_label: true,
    model_0: left.policy,
    model_1: right.policy,
    num_example_per_prompt: exported.answersToPrompt,
    answer,
    purpose: exported.purpose,
    decision_ms: exported.decisionMs,
  };
}

const name = z.union([z.string().trim().min(1).max(200), z.int()]).transform(String);

/**
 * A row as others write it: only caption, labels and images must be there. An image is a PNG beside the file: at its path, or
 * in `images/` under its uid.
 */
export const importedRowSchema = z.looseObject({
  ranking_id: name.nullish(),
  user_id: name.nullish(),
  created_at: z.iso
    .datetime({ offset: true, error: 'is no time such as 2024-05-01T12:00:00Z' })
    .nullish(),
  caption: z.string().trim().min(1).max(1000),
  image_0_uid: name.nullish(),
  image_1_uid: name.nullish(),
  image_0_path: z.string().min(1).nullish(),
  image_1_path: z.string().min(1).nullish(),
  label_0: z.number(),
  label_1: z.number(),
  has_label: z.boolean().default(true),
  model_0: name.nullish(),
  model_1: name.nullish(),
  answer: answerSchema.nullish(),
  purpose: purposeSchema.default('training'),
  decision_ms: z.number().nonnegative().nullish(),
});

export type ImportedRow = z.output<typeof importedRowSchema>;

/** What a row's labels say; null where they say nothing that an answer could be, or something else than `answer` does. */
export function answerIn({ label_0, label_1, answer }: ImportedRow): Answer | null {
  const fitting = (Object.keys(labelsOf) as Answer[]).filter(
    (one) => labelsOf[one][0] === label_0 && labelsOf[one][1] === label_1,
  );
  if (answer) return fitting.includes(answer) ? answer : null;
  return fitting[0] ?? null;
}
