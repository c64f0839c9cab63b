import type { LeasedPair, LeasedSide } from '@/db/leases';
import type { OpenGroup } from '@/db/taggings';
import type { ServedGroup, ServedImage, ServedPair } from './schema';

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
export function serveGroup({ group, samples }: OpenGroup): ServedGroup {
  return {
    groupId: group.id,
    prompt: group.prompt,
    images: samples.map(({ id, imageBlob, width, height }) => ({
      sampleId: id,
      src: imageSource(imageBlob),
      width,
      height,
    })),
    sensitive: samples.some(({ verdict }) => verdict?.blood === true),
  };
}

/** How long the shortest of these leases still lasts, or null when there is none. */
export function shortestLeaseSeconds(leases: { expiresAt: number }[], now: number): number | null {
  if (leases.length === 0) return null;
  return Math.max(0, Math.min(...leases.map(({ expiresAt }) => expiresAt - now)) / 1000);
}

function serveImage({ imageBlob, ...side }: LeasedSide): ServedImage {
  return { ...side, src: imageSource(imageBlob) };
}

function imageSource(hash: string): string {
  return `/api/images/${hash}`;
}
