/**
 * @file What is already said of a pipeline's images: when it can be trained on, and what it makes
 * of one image.
 */
import { z } from 'zod';

/**
 * What a method trains on that learns from all that people have said of a pipeline's images,
 * whenever it was asked: counted when its round starts, and frozen.
 */
export const archiveDataSchema = z.object({
  /** Rounds and imports whose answers are among them, and people who gave them. */
  rounds: z.number().int().nonnegative(),
  imports: z.number().int().nonnegative().default(0),
  annotators: z.number().int().nonnegative(),
  /**
   * Of the answers: ties, both bad, and those of pairs and groups whose annotators cancel each
   * other out.
   */
  ties: z.number().int().nonnegative(),
  bothBad: z.number().int().nonnegative(),
  atOdds: z.number().int().nonnegative(),
  /** Flags by people, which count where single images are trained on. */
  flags: z.number().int().nonnegative(),
  /**
   * Images trained on; of these, imported ones, and those whose latents are computed from their
   * PNG.
   */
  images: z.number().int().nonnegative(),
  imported: z.number().int().nonnegative(),
  encoded: z.number().int().nonnegative(),
  /** Single images by label; absent where pairs are trained on. */
  labels: z
    .object({ good: z.number().int().nonnegative(), bad: z.number().int().nonnegative() })
    .optional(),
});

export type ArchiveData = z.infer<typeof archiveDataSchema>;

/** What people said of one image, counted over everybody who counts. */
export interface ImageVotes {
  /** Flags that no review has rejected, tags, and pairs of which both are bad. */
  bad: number;
  /** Groups in which somebody left it untagged, and pairs that it won. */
  good: number;
}

/**
 * Whether an image is good or bad, null where people said neither. Any bad mark makes it bad,
 * whoever else liked it; one that merely lost to another is neither.
 */
export function labelOf({ bad, good }: ImageVotes): 'good' | 'bad' | null {
  if (bad > 0) return 'bad';
  return good > 0 ? 'good' : null;
}

/** What of an archive decides whether it can be trained on. */
interface ArchiveCounts {
  /** All answers that stand; of these, too young to be settled, and by people who are paused. */
  answers: number;
  tooYoung: number;
  heldBack: number;
  trainingPairs: number;
  archive: ArchiveData;
}

/** Why there is nothing to train on, with the counts and the remedy; null where there is. */
export function archiveProblem(counts: ArchiveCounts): string | null {
  const { labels } = counts.archive;
  if (labels) return labelsProblem(counts, labels);
  if (counts.trainingPairs > 0) return null;
  return `${reckoning(counts)} None makes a training pair, and Diffusion-DPO trains on nothing else. Answer pairs in a round that asks people, with a second opinion where they are at odds, or import answers with npm run import.`;
}

function labelsProblem(
  counts: ArchiveCounts,
  { good, bad }: NonNullable<ArchiveData['labels']>,
): string | null {
  if (good > 0 && bad > 0) return null;
  const remedy =
    bad === 0
      ? 'Flag defects, tag groups, or answer “both bad” where neither image should stand'
      : 'Pick winners among images that nobody marks';
  return `${reckoning(counts)} They make ${good} good and ${bad} bad images, and Diffusion-KTO needs both. ${remedy}; npm run import brings answers from elsewhere.`;
}

/** Where the answers went, in a sentence. */
function reckoning({ answers, tooYoung, heldBack, archive }: ArchiveCounts): string {
  const { ties, bothBad, atOdds, flags } = archive;
  return `People gave ${answers} answers on images of this pipeline, and ${flags} flags: ${ties} ties, ${bothBad} both bad, ${atOdds} at odds with others, ${heldBack} by paused annotators, ${tooYoung} still within the undo window.`;
}
