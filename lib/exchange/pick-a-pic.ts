/**
 * @file One answer in the columns of the Pick-a-Pic data set (yuvalkirstain/pickapic_v2), as it is
 * written down.
 */
import type { Answer } from '../answers';

/**
 * Columns and types are Pick-a-Pic's; image 0 is the left one. JSON has no binary columns, so the
 * images' bytes (`jpg_0`, `jpg_1` there) lie in files beside the lines, or stand in them as base64.
 * Images are named by the sha256 of their bytes.
 */
export interface PickAPicRow {
  /** Whole numbers that stand for the answer and the annotator. */
  ranking_id: number;
  user_id: number;
  /**
   * In whole seconds: readers tell a time by its form, and some lines with a fraction would make
   * all of them text.
   */
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
  /** From here on not Pick-a-Pic's. The id of the answer here: it is known again by it. */
  answer_id: string;
  created_at_ms: number;
  /** Tells both bad from a tie. */
  answer: Answer;
  /** What the pair was for, and whether the person's answers are held back from training. */
  purpose: string;
  held_back: boolean;
  decision_ms: number;
}

/** What is needed of an answer to write it down. */
export interface ExportedAnswer {
  id: string;
  rankingId: number;
  userId: number;
  /** Ms. */
  createdAt: number;
  prompt: string;
  left: { imageBlob: string; policy: string };
  right: { imageBlob: string; policy: string };
  answer: Answer;
  purpose: string;
  heldBack: boolean;
  decisionMs: number;
  answersToPrompt: number;
}

/** Labels of image 0 and image 1 by answer. */
export const labelsOf: Record<Answer, readonly [number, number]> = {
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
    ranking_id: exported.rankingId,
    user_id: exported.userId,
    created_at: new Date(exported.createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
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
    answer_id: exported.id,
    created_at_ms: exported.createdAt,
    answer,
    purpose: exported.purpose,
    held_back: exported.heldBack,
    decision_ms: exported.decisionMs,
  };
}

/** Pick-a-Pic's columns of float64. */
const fractions: ReadonlySet<string> = new Set(['label_0', 'label_1']);

/**
 * A row as one line of JSON. Labels keep their point (1.0), so that a reader gives them one type
 * whatever was answered.
 */
export function toLine(row: PickAPicRow & Record<string, unknown>): string {
  const fields = Object.entries(row).map(([column, value]) => {
    const written = JSON.stringify(value);
    return `${JSON.stringify(column)}:${fractions.has(column) && Number.isInteger(value) ? `${written}.0` : written}`;
  });
  return `{${fields.join(',')}}`;
}
