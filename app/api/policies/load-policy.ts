import { stat } from 'node:fs/promises';
import { blobPath } from '@/db/blobs';
import { evaluationFrames } from '@/db/evaluation-frames';
import { evaluationsOf } from '@/db/metrics';
import { getPolicy, listPolicies, type Policy } from '@/db/policies';
import { showFrame } from '../images/show';
import { measured } from '../rounds/summaries';
import { describe } from './load-policies';
import type { PolicyDetail } from './schema';

const framesShown = 24;

/** Everything the page of one policy shows. Throws 'not-found'. */
export async function loadPolicy(id: string): Promise<PolicyDetail> {
  const policy = await getPolicy(id);
  const all = await listPolicies(policy.pipeline);
  const [node] = await describe([policy]);
  const ancestors = ancestorsOf(policy, all);
  const frames = await evaluationFrames({
    policyIds: policy.parentId === null ? [id] : [policy.parentId, id],
    limit: framesShown,
  });
  return {
    policy: node!,
    ancestors: ancestors.map(refOf),
    children: all.filter(({ parentId }) => parentId === id).map(refOf),
    hash: policy.hash,
    adapter: await adapterOf(policy),
    manifest: policy.manifest,
    parentMeasured: measured(await evaluationsOf(), policy.parentId, policy.roundId),
    frames: frames.map(showFrame),
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
