import { eq } from 'drizzle-orm';
import { type LeasedImage, leasedImagesIn } from './leased-images';
import { leases, pairs } from './schema/labels';
import type { Transaction } from './transaction';

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
  const { images, sensitive } = leasedImagesIn(tx, sides, lease.annotatorId);
  return {
    leaseId: lease.id,
    pairId: pair.id,
    roundId: pair.roundId,
    prompt: pair.prompt,
    servedAt: lease.servedAt,
    expiresAt: lease.expiresAt,
    left: images[0]!,
    right: images[1]!,
    sensitive,
  };
}
