import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { guidelineChanges } from '@/app/reads/label/guideline-changes';
import { serveGroup, servePair, shortestLeaseSeconds } from '@/app/reads/label/serve';
import { consentsOf, guidelinesAt, latestGuidelines } from '@/db/labeling/guidelines';
import { labelProgress } from '@/db/labeling/progress';
import { leaseGroups } from '@/db/leases/group-leases';
import { leasePairs } from '@/db/leases/pair-leases';
import { groupsInHand, type NextAnswer, nextRequestSchema } from '../schema';

/**
 * Leases the next pairs, else the next groups, or says why there are none. Nobody gets any before
 * accepting the guidelines.
 */
export const GET = route(
  { needs: 'label', query: nextRequestSchema, limit: labelLimit },
  async ({ person, query }): Promise<NextAnswer> => {
    const guidelines = await latestGuidelines();
    const { terms } = await consentsOf(person.id);
    const progress = await labelProgress(person.id, query);
    if (guidelines && (terms ?? 0) < guidelines.version) {
      const { version, markdown } = guidelines;
      const known = terms === null ? null : await guidelinesAt(terms);
      return {
        progress,
        leaseSeconds: null,
        supply: {
          state: 'consent',
          guidelines: { version, markdown },
          newSince: known && {
            version: known.version,
            lines: guidelineChanges(known.markdown, markdown),
          },
        },
      };
    }
    return { progress, ...(await supplyFor(person.id, query)) };
  },
);

async function supplyFor(
  annotatorId: string,
  { count, holding }: { count: number; holding: string[] },
): Promise<Omit<NextAnswer, 'progress'>> {
  const now = Date.now();
  const pairs = await leasePairs({ annotatorId, count, holding, now });
  if (pairs.state === 'pairs') {
    return {
      leaseSeconds: shortestLeaseSeconds(pairs.pairs, now),
      supply: { state: 'pairs', pairs: pairs.pairs.map(servePair) },
    };
  }
  const groups = await leaseGroups({
    annotatorId,
    count: Math.min(count, groupsInHand),
    holding,
    now,
  });
  if (groups.state === 'groups') {
    return {
      leaseSeconds: shortestLeaseSeconds(groups.groups, now),
      supply: { state: 'groups', groups: groups.groups.map(serveGroup) },
    };
  }
  if (groups.state !== 'all-leased') return { leaseSeconds: null, supply: pairs };
  // Whichever comes free first: a pair, or a group.
  const pairMs = pairs.state === 'all-leased' ? pairs.retryAfterMs : Number.POSITIVE_INFINITY;
  return {
    leaseSeconds: null,
    supply: { state: 'all-leased', retryAfterMs: Math.min(groups.retryAfterMs, pairMs) },
  };
}
