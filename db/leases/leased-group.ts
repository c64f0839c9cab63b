import { eq } from 'drizzle-orm';
import { groupLeases } from '../schema/group-leases';
import { groups } from '../schema/labels';
import { one, type Steps, type Transaction } from '../transaction';
import { drawn } from './drawn';
import { type LeasedImage, leasedImagesIn } from './leased-images';

/**
 * A group as it is served, its images in the order that the server drew for this person. Times in
 * ms.
 */
export interface LeasedGroup {
  leaseId: string;
  groupId: string;
  roundId: string;
  prompt: string;
  servedAt: number;
  expiresAt: number;
  images: LeasedImage[];
  /** Something unsafe (a flag `nsfw`) was seen on one of them: blurred for those who want it. */
  sensitive: boolean;
}

/** Reads the lease of a group as its annotator sees it. */
export function* leasedGroupIn(tx: Transaction, leaseId: string): Steps<LeasedGroup> {
  const row = yield* one(
    tx
      .select({ lease: groupLeases, group: groups })
      .from(groupLeases)
      .innerJoin(groups, eq(groups.id, groupLeases.groupId))
      .where(eq(groupLeases.id, leaseId)),
  );
  if (!row) throw new Error(`Lease ${leaseId} vanished within its own transaction.`);
  const { lease, group } = row;
  return {
    leaseId: lease.id,
    groupId: group.id,
    roundId: drawn(group).roundId,
    prompt: group.prompt,
    servedAt: lease.servedAt,
    expiresAt: lease.expiresAt,
    ...(yield* leasedImagesIn(tx, lease.sampleIds, lease.annotatorId)),
  };
}
