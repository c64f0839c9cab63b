import { stat } from 'node:fs/promises';
import { blobPath } from '@/db/blobs';
import { evaluationFrames } from '@/db/evaluation-frames';
import { evaluationsOf } from '@/db/metrics';
import { getPolicy, listPolicies, type Policy } from '@/db/policies';
import { pairedImages } from '@/lib/metrics';
import { showFrame } from '../images/show';
import { measured, rewardsIn } from '../rounds/summaries';
import { describe } from './load-policies';
import type { PolicyDetail } from './schema';

/** Everything the page of one policy shows. Throws 'not-found'. */
export async function loadPolicy(id: string): Promise<PolicyDetail> {
  const policy = await getPolicy(id);
  const all = await listPolicies(policy.pipeline);
  const [node] = await describe([policy]);
  const ancestors = ancestorsOf(policy, all);
  const evaluations = await evaluationsOf();
  const rewards = rewardsIn(evaluations, id, policy.roundId);
  const frames = await evaluationFrames({
    policyIds: policy.parentId === null ? [id] : [policy.parentId, id],
    limit: pairedImages,
    prefer: new Set(Object.keys(rewards)),
  });
  return {
    policy: node!,
    ancestors: ancestors.map(refOf),
    children: all.filter(({ parentId }) => parentId === id).map(refOf),
    hash: policy.hash,
    adapter: await adapterOf(policy),
    manifest: policy.manifest,
    parentMeasured: measured(evaluations, policy.parentId, policy.roundId),
    frames: frames.map((frame) => showFrame(frame, rewards)),
  };
}

function refOf({ id, name }: Policy) {
  return { id, name };
}

function ancestorsOf(policy: Policy, all: readonly Policy[]): Policy[] {
  const parent = all.find(({ id }) => id === policy.parentId);
  return parent ? [...ancestorsOf(parent, all), parent] : [];
}

/** Null for a base policy, and for one whose file has been lost: the download says so then. */
async function adapterOf({ adapterBlob }: Policy): Promise<PolicyDetail['adapter']> {
  if (adapterBlob === null) return null;
  const file = await stat(blobPath(adapterBlob)).catch(() => null);
  return file && { sha256: adapterBlob, bytes: file.size };
}
