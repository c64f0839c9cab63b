import { and, eq, inArray, ne, or } from 'drizzle-orm';
import type { FlagKind } from '@/lib/flags';
import { flags, samples } from '../schema/labels';
import { all, type Steps, type Transaction } from '../transaction';

/** One image as an annotator may see it: nothing in it tells policy, seed, age or purpose. */
export interface LeasedImage {
  sampleId: string;
  imageBlob: string;
  width: number;
  height: number;
  /** What this annotator has flagged on it so far. */
  flags: FlagKind[];
}

/**
 * The images of a lease in the order of `sampleIds`, as its annotator sees them. `sensitive`:
 * something unsafe (a flag `nsfw`) was seen on one of them, so they are blurred for those who want
 * it.
 */
export function* leasedImagesIn(
  tx: Transaction,
  sampleIds: readonly string[],
  annotatorId: string,
): Steps<{ images: LeasedImage[]; sensitive: boolean }> {
  const shown = [...sampleIds];
  const rows = yield* all(tx.select().from(samples).where(inArray(samples.id, shown)));
  const standing = yield* all(
    tx
      .select()
      .from(flags)
      .where(
        and(
          inArray(flags.sampleId, shown),
          ne(flags.state, 'rejected'),
          or(eq(flags.annotatorId, annotatorId), eq(flags.kind, 'nsfw')),
        ),
      ),
  );
  const images = shown.map((sampleId): LeasedImage => {
    const row = rows.find((sample) => sample.id === sampleId);
    if (!row) throw new Error(`A lease names sample ${sampleId}, which does not exist.`);
    return {
      sampleId,
      imageBlob: row.imageBlob,
      width: row.width,
      height: row.height,
      flags: standing
        .filter((flag) => flag.sampleId === sampleId && flag.annotatorId === annotatorId)
        .map((flag) => flag.kind),
    };
  });
  return {
    images,
    sensitive:
      standing.some((flag) => flag.kind === 'nsfw') ||
      rows.some((row) => row.verdict?.flags.includes('nsfw')),
  };
}
