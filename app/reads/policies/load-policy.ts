import { statBlob } from '@/db/blobs/blobs';
import { declaredJudge } from '@/db/policies/declared';
import { drawingOf } from '@/db/policies/drawings';
import {
  ancestorsOf,
  isAmong,
  isChildOf,
  listedPolicies,
  policiesPage,
  servedFor,
} from '@/db/policies/list';
import { importOfPolicy } from '@/db/policies/pipeline-imports';
import { getPolicy, type Policy } from '@/db/policies/policies';
import { evaluationFrames } from '@/db/rounds/evaluation-frames';
import { measuredBy, measurementsOf } from '@/db/rounds/measurements';
import { pairedImages } from '@/lib/metrics';
import type { PolicyDetail } from '../../api/policies/schema';
import { showEvaluation } from '../evaluations/show';
import { showFrame } from '../images/show';
import { rewardsIn } from '../rounds/summaries';

/** So many ancestors and children a line holds. */
const relativesMax = 8;

/** Everything the page of one policy shows. Throws 'not-found'. */
export async function loadPolicy(id: string): Promise<PolicyDetail> {
  const policy = await getPolicy(id);
  const judge = await declaredJudge(policy.pipeline);
  const [listed] = await listedPolicies(isAmong([id]));
  const { roundId, ...node } = listed!;
  const ancestors = await ancestorsOf(id);
  const children = await policiesPage({ which: isChildOf(id), limit: relativesMax });
  const { parentId } = policy;
  const [measured] = await measurementsOf([{ policyId: id, roundId }]);
  const drawing = measured?.drawing ?? undefined;
  const parent = parentId === null ? null : await getPolicy(parentId);
  const [parentMeasured] = await measurementsOf([
    {
      policyId: parentId,
      roundId,
      drawing: drawing && parent ? drawingOf(parent, drawing) : undefined,
    },
  ]);
  const rewards = rewardsIn(roundId ? await measuredBy([roundId], [id]) : [], id, roundId);
  const { found, ...manifest } = policy.manifest;
  const drawn = found ? await importOfPolicy(id) : null;
  const served = await servedFor(policy.pipeline);
  const shown =
    ancestors.length <= relativesMax
      ? ancestors
      : [...ancestors.slice(0, 1), ...ancestors.slice(1 - relativesMax)];
  const frames = await evaluationFrames({
    policyIds: policy.parentId === null ? [id] : [policy.parentId, id],
    limit: pairedImages,
    drawing,
  });
  return {
    policy: { ...node, measured: showEvaluation(measured ?? null, judge) },
    ancestors: shown,
    ancestorsBetween: ancestors.length - shown.length,
    children: children.policies.map(({ id, name }) => ({ id, name })),
    childrenTotal: children.total,
    serving: served?.policy ?? null,
    hash: policy.hash,
    adapter: await adapterOf(policy),
    manifest,
    found: found ?? null,
    foundImage: drawn?.imageBlob ? `/api/images/${drawn.imageBlob}` : null,
    parentMeasured: showEvaluation(parentMeasured ?? null, judge),
    frames: frames.map((frame) => showFrame(frame, judge, rewards)),
  };
}

/** Null for a base policy, and for one whose file has been lost: the download says so then. */
async function adapterOf({ adapterBlob, manifest }: Policy): Promise<PolicyDetail['adapter']> {
  if (adapterBlob === null) return null;
  const blob = await statBlob(adapterBlob);
  const isWhole = manifest.config?.training.trainables === 'full';
  const names = isWhole ? 'whole' : (manifest.modules ?? 'unet');
  return blob && { bytes: blob.bytes, names };
}
