/** @file From a policy's row to the models that draw with it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getBlob } from '@/db/blobs/blobs';
import { folderOf, type PipelineIdentity, placing } from '@/db/policies/pipeline-folders';
import {
  baseOf,
  completeManifest,
  getPolicy,
  newestBase,
  type Policy,
} from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import type { ImageSize } from '@/lib/settings/image-sizes';
import type { PolicyWeights } from '@/trainer/diffusion/denoise/denoiser';
import { sizedPipeline } from '@/trainer/diffusion/images/sizes';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { type PolicyFile, parsePolicy, trainedDenoiser, weightsOf } from '../train/policy-file';
import { type OpenedPipeline, openedPipeline } from './opened';

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

/** The folder of the built-in pipeline. */
export const handsFolder = fileURLToPath(new URL('../../hands/policy', import.meta.url));

/** The folder of a pipeline on this machine. Throws 'not-found' where nobody has said which. */
export function pipelineFolder(identity: PipelineIdentity): string {
  return folderOf(identity, handsFolder);
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
 * Opens a policy and checks that it is what its row says: the pipeline's files are those the base
 * policy was made of, the weights are whole and fit. Throws an error that names the file or policy
 * and what to do. Policies of one base share its pipeline. @param size of images; null: its own
 */
export async function openPolicy(id: string, size: ImageSize | null = null): Promise<PolicyModel> {
  const policy = await getPolicy(id);
  const { pipeline, hash } = await openBase(await baseOf(policy));
  const file = await readPolicyFile(policy);
  if (file && file.pipelineHash !== hash) {
    throw new AppError(
      'data-corrupt',
      `The weights of policy "${policy.name}" belong to a pipeline of hash ${short(file.pipelineHash)}, not ${short(hash)}. Serve another policy and start a new round.`,
    );
  }
  const weights = file ? await weightsIn(pipeline, file, policy.name) : undefined;
  return {
    policy,
    pipeline: await sizedPipeline(pipeline, size),
    pipelineHash: hash,
    file,
    weights,
  };
}

/**
 * Opens the pipeline of a base policy, wherever it lies on this machine, and checks that it is what
 * the policy was made of.
 */
export async function openBase(base: Policy): Promise<OpenedPipeline> {
  const { pipeline: name } = base;
  const folder = pipelineFolder({ pipeline: name, hash: base.hash });
  if (!existsSync(join(folder, 'model_index.json'))) {
    throw new AppError(
      'not-found',
      `The pipeline "${name}" (hash ${short(base.hash)}) is not where it was: ${join(folder, 'model_index.json')} does not exist. Put the folder back, or say where it lies now: ${placing(name)}.`,
    );
  }
  const opened = await openedPipeline(folder);
  if (opened.hash !== base.hash) {
    throw new AppError(
      'data-corrupt',
      `The files of the pipeline "${name}" in ${folder} have changed since policy "${base.name}" was made of them (hash ${short(opened.hash)}, not ${short(base.hash)}). Put the former files back, or serve the pipeline's new base policy and start a new run. If the former files lie elsewhere, say where: ${placing(name)}.`,
    );
  }
  if (base.manifest.schedule === undefined) {
    await completeManifest(base.id, { schedule: opened.pipeline.scheduler.text });
  }
  return opened;
}

/**
 * Opens a pipeline as it is now: that of its newest base policy. Throws 'not-found' where it has
 * none.
 */
export async function openNewest(pipeline: string): Promise<OpenedPipeline> {
  return openBase(await newestBase(pipeline));
}

async function weightsIn({ denoiser }: Pipeline, file: PolicyFile, name: string) {
  const graph = await trainedDenoiser(denoiser.graph, file.kind);
  return weightsOf(graph, file, `The weights of policy "${name}"`);
}

function short(hash: string): string {
  return hash.slice(0, 12);
}
