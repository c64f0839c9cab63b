/**
 * A process in which several annotators tag groups through the database until nothing is left, for
 * group-leases.processes.test.ts. Arguments: their ids as JSON. Prints what was acknowledged, as
 * JSON.
 */

import { skipGroup, submitTagging, undoGroupSkip, undoTagging } from '@/db/labeling/taggings';
import { leaseGroups } from '@/db/leases/group-leases';
import { untilAvailable } from './until-available';

/** A reading that was acknowledged as being on disk. */
export interface AcknowledgedReading {
  taggingId: string;
  groupId: string;
  annotatorId: string;
  tagged: string[];
  undone: boolean;
}

async function tag(annotatorId: string, acknowledged: AcknowledgedReading[]): Promise<void> {
  for (let turn = 0; ; turn++) {
    const leased = await untilAvailable(() => leaseGroups({ annotatorId, count: 2 }));
    // Others may give a group back by undoing, but only those who hold it: what is left is theirs.
    if (leased.state !== 'groups') return;
    for (const { groupId, leaseId, images } of leased.groups) {
      if (turn % 4 === 1) {
        await untilAvailable(() => skipGroup({ leaseId, annotatorId }));
        const back = await untilAvailable(() => undoGroupSkip({ leaseId, annotatorId }));
        // Somebody was quicker: they tag it.
        if (back.status !== 'undone' || !back.group) continue;
      }
      const taggingId = crypto.randomUUID();
      const tagged = images.slice(0, turn % 3).map(({ sampleId }) => sampleId);
      const submit = () =>
        submitTagging({ id: taggingId, groupId, annotatorId, taggedSampleIds: tagged });
      // Sent twice at once, as a client does whose connection broke before it heard.
      const results = await Promise.all([untilAvailable(submit), untilAvailable(submit)]);
      if (results.some((result) => result.status !== 'accepted')) {
        throw new Error(`Under a live lease: ${JSON.stringify(results)}`);
      }
      const undone = turn % 3 === 0;
      acknowledged.push({ taggingId, groupId, annotatorId, tagged, undone });
      if (undone) await untilAvailable(() => undoTagging({ id: taggingId, annotatorId }));
    }
  }
}

const annotators: string[] = JSON.parse(process.argv[2] ?? '[]');
const acknowledged: AcknowledgedReading[] = [];
await Promise.all(annotators.map((annotatorId) => tag(annotatorId, acknowledged)));
process.stdout.write(JSON.stringify(acknowledged));
