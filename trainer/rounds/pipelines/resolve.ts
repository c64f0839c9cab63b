/** @file From a policy's row to the models that draw with it. */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getBlob } from '@/db/blobs/blobs';
import { baseOf, completeManifest, getPolicy, type Policy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import type { PolicyWeights } from '@/trainer/diffusion/denoise/denoiser';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { checkDiversityNetwork } from '../evaluate/diversity';
import { type PolicyFile, parsePolicy, trainedUnet, weightsOf } from '../train/policy-file';

/** A policy with everything that draws its images. */
export interface PolicyModel {
  policy: Policy;
  pipeline: Pipeline;
  pipelineHash: string;
  /** Null for a base policy. */
  file: PolicyFile | null;
  /** What sets it apart from the base; undefined for the base. */
  weights: PolicyWeights | undefined;
}

/** The folder of a pipeline: the built-in `hands`, or wherever the absolute path says. */
export function pipelineFolder(name: string): string {
  if (name === 'hands') return fileURLToPath(new URL('../../hands/policy', import.meta.url));
  if (isAbsolute(name)) return name;
  throw new AppError(
    'bad-request',
    `"${name}" is no pipeline. Give hands, or the absolute path of a folder exported by Optimum.`,
  );
}

async function readPolicyFile({ name, adapterBlob }: Policy): Promise<PolicyFile | null> {
  if (adapterBlob === null) return null;
  const bytes = await getBlob(adapterBlob).catch((thrown: unknown) => {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new AppError(
      thrown.code,
      `The weights of policy "${name}" cannot be read. ${thrown.message} Or serve another policy and start a new round.`,
      { cause: thrown },
    );
  });
  return parsePolicy(bytes, `The weights of policy "${name}" (blob ${adapterBlob})`);
}

/**
 * Opens a policy and checks that it is what its row says: the pipeline's files are those the base policy was made
 * of, the weights are whole and fit. Throws an error that names the file or policy and what to do.
 */
export async function openPolicy(id: string): Promise<PolicyModel> {
  const policy = await getPolicy(id);
  const base = await baseOf(policy);
  const folder = pipelineFolder(policy.pipeline);
  const pipeline = await openPipeline(folder);
  await checkDiversityNetwork(folder);
  const found = await pipelineHash(folder);
  if (found !== base.hash) {
    throw new AppError(
      'data-corrupt',
      `The files in ${folder} have changed since policy "${base.name}" was made of them (hash ${short(found)}, not ${short(base.hash)}). Put the former files back, or serve the pipeline's new base policy and start a new run.`,
    );
  }
  if (base.manifest.schedule === undefined) {
    await completeManifest(base.id, { schedule: pipeline.scheduler.text });
  }
  const file = await readPolicyFile(policy);
  if (file && file.pipelineHash !== found) {
    throw new AppError(
      'data-corrupt',
      `The weights of policy "${policy.name}" belong to a pipeline of hash ${short(file.pipelineHash)}, not ${short(found)}. Serve another policy and start a new round.`,
    );
  }
  const weights = file ? await weightsIn(pipeline, file, policy.name) : undefined;
  return { policy, pipeline, pipelineHash: found, file, weights };
}

async function weightsIn({ unet }: Pipeline, file: PolicyFile, name: string) {
  const graph = await trainedUnet(unet.graph, file.kind);
  return weightsOf(graph, file, `The weights of policy "${name}"`);
}

function short(hash: string): string {
  return hash.slice(0, 12);
}
