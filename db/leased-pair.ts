import { and, eq, inArray, ne, or } from 'drizzle-orm';
import type { FlagKind } from '@/lib/flags';
import { flags, leases, pairs, samples } from './schema/labels';
import type { Transaction } from './transaction';

/** One image as an annotator may see it: nothing in it tells policy, seed, age or purpose. */
export interface LeasedSide {
  sampleId: string;
  imageBlob: string;
  width: number;
  height: number;
  /** What this annotator has flagged on it so far. */
  flags: FlagKind[];
}

/** A pair as it is served, with the sides the server drew. Times in ms. */
export interface LeasedPair {
  leaseId: string;
  pairId: string;
  roundId: string;
  prompt: string;
  servedAt: number;
  expiresAt: number;
  left: LeasedSide;
  right: LeasedSide;
  /** Blood or nudity was seen on either image: blurred for those who want it. */
  sensitive: boolean;
}

/** Reads a lease as its annotator sees it. */
export function leasedPairIn(tx: Transaction, leaseId: string): LeasedPair {
  const row = tx
    .select()
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .where(eq(leases.id, leaseId))
    .get();
  if (!row) throw new Error(`Lease ${leaseId} vanished within its own transaction.`);
  const { leases: lease, pairs: pair } = row;
  const sides = [lease.leftSampleId, lease.rightSampleId];
  const images = tx.select().from(samples).where(inArray(samples.id, sides)).all();
  const standing = tx
    .select()
    .from(flags)
    .where(
      and(
        inArray(flags.sampleId, sides),
        ne(flags.state, 'rejected'),
        or(eq(flags.annotatorId, lease.annotatorId), eq(flags.kind, 'nsfw')),
      ),
    )
    .all();
  const side = (sampleId: string): LeasedSide => {
    const image = images.find((sample) => sample.id === sampleId);
    if (!image) throw new Error(`Pair ${pair.id} names sample ${sampleId}, which does not exist.`);
    return {
      sampleId,
      imageBlob: image.imageBlob,
      width: image.width,
      height: image.height,
      flags: standing
        .filter((flag) => flag.sampleId === sampleId && flag.annotatorId === lease.annotatorId)
        .map((flag) => flag.kind),
    };
  };
  return {
    leaseId: lease.id,
    pairId: pair.id,
    roundId: pair.roundId,
    prompt: pair.prompt,
    servedAt: lease.servedAt,
    expiresAt: lease.expiresAt,
    left: side(lease.leftSampleId),
    right: side(lease.rightSampleId),
    sensitive:
      standing.some((flag) => flag.kind === 'nsfw') ||
      images.some((image) => image.verdict?.blood === true),
  };
}
