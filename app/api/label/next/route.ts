import { consentsOf, latestGuidelines } from '@/db/guidelines';
import { labelProgress } from '@/db/label-progress';
import { leasePairs } from '@/db/leases';
import { nextGroups } from '@/db/taggings';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { type Dry, type NextAnswer, nextRequestSchema } from '../schema';
import { serveGroup, servePair, shortestLeaseSeconds } from '../serve';

/** Leases the next pairs, or says why there are none. Nobody gets a pair before accepting the guidelines. */
export const GET = route(
  { needs: 'label', query: nextRequestSchema, limit: labelLimit },
  async ({ person, query }): Promise<NextAnswer> => {
    const guidelines = await latestGuidelines();
    const { terms } = await consentsOf(person.id);
    const progress = await labelProgress(person.id, query);
    if (guidelines && (terms ?? 0) < guidelines.version) {
      const { version, markdown } = guidelines;
      return {
        progress,
        leaseSeconds: null,
        supply: { state: 'consent', guidelines: { version, markdown } },
      };
    }
    const now = Date.now();
    const supply = await leasePairs({ annotatorId: person.id, ...query, now });
    if (supply.state !== 'pairs') {
      const group =
        supply.state === 'paused' ? undefined : await groupInstead(person.id, query.holding);
      return { progress, leaseSeconds: null, supply: group ?? supply };
    }
    return {
      progress,
      leaseSeconds: shortestLeaseSeconds(supply.pairs, now),
      supply: { state: 'pairs', pairs: supply.pairs.map(servePair) },
    };
  },
);

/** A group to tag, for rounds that ask for groups: one whose images are all there. */
async function groupInstead(annotatorId: string, holding: string[]): Promise<Dry | undefined> {
  const waiting = await nextGroups({ annotatorId, count: holding.length + 1 });
  const next = waiting.find(
    ({ group, samples }) => samples.length === group.size && !holding.includes(group.id),
  );
  return next && { state: 'group', group: serveGroup(next) };
}
