import { flagCounts } from '@/db/flag-counts';
import { listFlags } from '@/db/flags';
import { listPolicies } from '@/db/policies';
import { showImage } from '../images/show';
import type { FlagsQuery, FlagsView } from './schema';

/** As many as one sits down for; deciding them brings the next. */
const queueLength = 60;

/** Flags in a state, newest first, with what they mark. */
export async function loadFlags({ state, kind, source }: FlagsQuery): Promise<FlagsView> {
  const names = new Map((await listPolicies()).map(({ id, name }) => [id, name]));
  const found = await listFlags({
    state,
    kind: kind === 'any' ? undefined : kind,
    source: source === 'any' ? undefined : source,
    limit: queueLength,
  });
  return {
    flags: found.map(({ flag, sample, annotator }) => ({
      id: flag.id,
      kind: flag.kind,
      source: flag.source,
      state: flag.state,
      image: showImage(sample),
      prompt: sample.prompt,
      policy: { id: sample.policyId, name: names.get(sample.policyId) ?? sample.policyId },
      annotator,
      createdAt: flag.createdAt,
    })),
    counts: await flagCounts(),
  };
}
