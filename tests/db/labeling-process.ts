/**
 * A process in which several annotators label through the database until nothing is left, for
 * leases.processes.test.ts. Arguments: their ids as JSON. Prints what was acknowledged, as JSON.
 */

import { submitPreference, undoPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { untilAvailable } from './until-available';

/** An answer that was acknowledged as being on disk. */
export interface Acknowledged {
  preferenceId: string;
  pairId: string;
  annotatorId: string;
  undone: boolean;
}

async function label(annotatorId: string, acknowledged: Acknowledged[]): Promise<void> {
  for (let turn = 0; ; turn++) {
    const leased = await untilAvailable(() => leasePairs({ annotatorId, count: 2 }));
    if (leased.state !== 'pairs') {
      // Others may give a pair back by undoing, but only those who hold it: what is left is theirs.
      return;
    }
    for (const pair of leased.pairs) {
      const preferenceId = crypto.randomUUID();
      const submit = () =>
        submitPreference({
          id: preferenceId,
          leaseId: pair.leaseId,
          annotatorId,
          answer: 'left',
          shownAtMs: 0,
          decidedAtMs: 900,
          guidelinesVersion: null,
        });
      // Sent twice at once, as a client does whose connection broke before it heard.
      const results = await Promise.all([untilAvailable(submit), untilAvailable(submit)]);
      if (results.some((result) => result.status !== 'accepted')) {
        throw new Error(`Under a live lease: ${JSON.stringify(results)}`);
      }
      const undone = turn % 3 === 0;
      acknowledged.push({ preferenceId, pairId: pair.pairId, annotatorId, undone });
      if (undone) await untilAvailable(() => undoPreference({ preferenceId, annotatorId }));
    }
  }
}

const annotators: string[] = JSON.parse(process.argv[2] ?? '[]');
const acknowledged: Acknowledged[] = [];
await Promise.all(annotators.map((annotatorId) => label(annotatorId, acknowledged)));
process.stdout.write(JSON.stringify(acknowledged));
