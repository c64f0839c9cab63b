import type { LeasedGroup } from '@/db/leases/leased-group';
import type { LeasedImage } from '@/db/leases/leased-images';
import type { LeasedPair } from '@/db/leases/pair-leases';
import type { ServedGroup, ServedImage, ServedPair } from '../../api/label/schema';

/** A lease as the browser gets it: no pair, round or policy that could tell anything. */
export function servePair(pair: LeasedPair): ServedPair {
  return {
    leaseId: pair.leaseId,
    prompt: pair.prompt,
    left: serveImage(pair.left),
    right: serveImage(pair.right),
    sensitive: pair.sensitive,
  };
}

/** A group as the browser gets it. */
export function serveGroup(group: LeasedGroup): ServedGroup {
  return {
    leaseId: group.leaseId,
    groupId: group.groupId,
    prompt: group.prompt,
    images: group.images.map(serveImage),
    sensitive: group.sensitive,
  };
}

/** How long the shortest of these leases still lasts, or null when there is none. */
export function shortestLeaseSeconds(leases: { expiresAt: number }[], now: number): number | null {
  if (leases.length === 0) return null;
  return Math.max(0, Math.min(...leases.map(({ expiresAt }) => expiresAt - now)) / 1000);
}

function serveImage({ imageBlob, ...image }: LeasedImage): ServedImage {
  return { ...image, src: `/api/images/${imageBlob}` };
}
