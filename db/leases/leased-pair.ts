import { and, eq, or, sql } from 'drizzle-orm';
import { alias } from '../dialect';
import { prepared } from '../prepared';
import { flags, leases, pairs, samples } from '../schema/labels';
import { all, one, type Steps } from '../transaction';
import { drawn } from './drawn';
import type { LeasedImage } from './leased-images';

/** A pair as it is served, with the sides the server drew. Times in ms. */
export interface LeasedPair {
  leaseId: string;
  pairId: string;
  roundId: string;
  prompt: string;
  servedAt: number;
  expiresAt: number;
  left: LeasedImage;
  right: LeasedImage;
  /** Something unsafe (a flag `nsfw`) was seen on either image: blurred for those who want it. */
  sensitive: boolean;
}

const left = alias(samples, 'left_sample');
const right = alias(samples, 'right_sample');

const shown = (sample: typeof left | typeof right) => ({
  sampleId: sample.id,
  imageBlob: sample.imageBlob,
  width: sample.width,
  height: sample.height,
  verdict: sample.verdict,
});

const leaseWithImages = prepared((database) =>
  database
    .select({
      annotatorId: leases.annotatorId,
      lease: {
        leaseId: leases.id,
        pairId: leases.pairId,
        roundId: pairs.roundId,
        prompt: pairs.prompt,
        servedAt: leases.servedAt,
        expiresAt: leases.expiresAt,
      },
      left: shown(left),
      right: shown(right),
    })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(left, eq(left.id, leases.leftSampleId))
    .innerJoin(right, eq(right.id, leases.rightSampleId))
    .where(eq(leases.id, sql.placeholder('leaseId')))
    .prepare(),
);

const standingFlags = prepared((database) =>
  database
    .select({ sampleId: flags.sampleId, annotatorId: flags.annotatorId, kind: flags.kind })
    .from(flags)
    .where(
      and(
        sql`${flags.sampleId} in (${sql.placeholder('left')}, ${sql.placeholder('right')})`,
        sql`${flags.state} <> 'rejected'`,
        or(eq(flags.annotatorId, sql.placeholder('annotatorId')), sql`${flags.kind} = 'nsfw'`),
      ),
    )
    .prepare(),
);

/** Reads a lease as its annotator sees it, within the decision that knows it. */
export function* leasedPairIn(leaseId: string): Steps<LeasedPair> {
  const row = yield* one(leaseWithImages, { leaseId });
  if (!row) throw new Error(`Lease ${leaseId}, its pair or its samples vanished.`);
  const { annotatorId, lease } = row;
  const sides = { left: row.left.sampleId, right: row.right.sampleId };
  const standing = yield* all(standingFlags, { annotatorId, ...sides });
  const side = ({ verdict: _, ...image }: typeof row.left): LeasedImage => ({
    ...image,
    flags: standing
      .filter((flag) => flag.sampleId === image.sampleId && flag.annotatorId === annotatorId)
      .map((flag) => flag.kind),
  });
  return {
    ...drawn(lease),
    left: side(row.left),
    right: side(row.right),
    sensitive:
      standing.some((flag) => flag.kind === 'nsfw') ||
      [row.left, row.right].some(({ verdict }) => verdict?.flags.includes('nsfw')),
  };
}
