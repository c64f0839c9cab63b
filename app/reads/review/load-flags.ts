import { flagCounts } from '@/db/figures/flag-counts';
import { listFlags } from '@/db/labeling/flags';
import { declaredJudges } from '@/db/policies/declared';
import { isAmong, listedPolicies } from '@/db/policies/list';
import type { FlagsQuery, FlagsView } from '../../api/review/schema';
import { showImage } from '../images/show';

/** As many as one sits down for; deciding them brings the next. */
const queueLength = 60;

/** Flags in a state, newest first, with what they mark. */
export async function loadFlags({ state, kind, source }: FlagsQuery): Promise<FlagsView> {
  const found = await listFlags({
    state,
    kind: kind === 'any' ? undefined : kind,
    source: source === 'any' ? undefined : source,
    limit: queueLength,
  });
  const policies = await listedPolicies(isAmong(found.map(({ sample }) => sample.policyId)));
  const names = new Map(policies.map(({ id, name }) => [id, name]));
  const pipelines = new Map(policies.map(({ id, pipeline }) => [id, pipeline]));
  const judges = await declaredJudges();
  return {
    flags: found.map(({ flag, sample, annotator }) => ({
      id: flag.id,
      kind: flag.kind,
      source: flag.source,
      state: flag.state,
      image: showImage(sample, judges.get(pipelines.get(sample.policyId)!) ?? null),
      thumbnail: `/api/images/${sample.imageBlob}/thumbnail`,
      prompt: sample.prompt,
      policy: { id: sample.policyId, name: names.get(sample.policyId) ?? sample.policyId },
      annotator,
      createdAt: flag.createdAt,
    })),
    counts: await flagCounts(),
  };
}
