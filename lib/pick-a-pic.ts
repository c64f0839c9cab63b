import type { Answer } from './answers';

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
