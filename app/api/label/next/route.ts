import { consentsOf, latestGuidelines } from '@/db/guidelines';
import { labelProgress } from '@/db/label-progress';
import { leasePairs } from '@/db/leases';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { type NextAnswer, nextRequestSchema } from '../schema';
import { servePair, shortestLeaseSeconds } from '../serve';

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
    if (supply.state !== 'pairs') return { progress, leaseSeconds: null, supply };
    return {
      progress,
      leaseSeconds: shortestLeaseSeconds(supply.pairs, now),
      supply: { state: 'pairs', pairs: supply.pairs.map(servePair) },
    };
  },
);
