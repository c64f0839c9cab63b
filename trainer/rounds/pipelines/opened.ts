/**
 * @file Pipelines opened once in a process, and hashed once on a machine: everything that draws,
 * trains or measures with one shares it until a file of its folder changes.
 */
import { resolve } from 'node:path';
import { printsOf } from '@/db/known-hashes';
import { pipelineFiles } from '@/trainer/diffusion/pipelines/hash';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { isExternal } from '@/trainer/graph/model';
import { knownPipelineHash } from '../../known-hash';
import { checkDiversityNetwork } from './diversity-network';

/**
 * A pipeline, and the hash of the files that it was read from. Shared: nobody may change its
 * graphs.
 */
export interface OpenedPipeline {
  pipeline: Pipeline;
  hash: string;
}

interface Known {
  /** Tells that the files are those that were read. */
  print: string;
  hash: string;
  /** Whoever works with a pipeline keeps it in memory, not this table. */
  pipeline: WeakRef<Pipeline>;
}

/**
 * One pipeline, the last one used, stays open between two pieces of work if its weights in memory
 * are no more than this; those in files of their own (external data) do not count. A larger one is
 * read anew, but not hashed.
 */
const idleBytesMax = 256 * 2 ** 20;

const known = new Map<string, Known>();
const opening = new Map<string, Promise<OpenedPipeline>>();
let idle: { folder: string; pipeline: Pipeline } | undefined;

/**
 * Opens the pipeline in a folder, with the network that measures its diversity if it brings one.
 * @throws PipelineError or GraphError that names the file and what to do
 */
export async function openedPipeline(folder: string): Promise<OpenedPipeline> {
  const { hashed, measuring } = await pipelineFiles(folder);
  const print = JSON.stringify(await printsOf(folder, [...hashed, ...measuring]));
  const own = resolve(folder);
  const there = known.get(own);
  const pipeline = idle?.folder === own ? idle.pipeline : there?.pipeline.deref();
  if (pipeline && there?.print === print) return kept(own, pipeline, there.hash);
  // Rounds and reward models are worked on at once: who comes second waits for the first.
  const key = `${own}\0${print}`;
  const underWay = opening.get(key) ?? read(own, print);
  opening.set(key, underWay);
  try {
    return await underWay;
  } finally {
    opening.delete(key);
  }
}

async function read(folder: string, print: string): Promise<OpenedPipeline> {
  const pipeline = await openPipeline(folder);
  await checkDiversityNetwork(folder);
  const hash = await knownPipelineHash(folder);
  known.set(folder, { print, hash, pipeline: new WeakRef(pipeline) });
  return kept(folder, pipeline, hash);
}

function kept(folder: string, pipeline: Pipeline, hash: string): OpenedPipeline {
  idle = bytesInMemory(pipeline) <= idleBytesMax ? { folder, pipeline } : undefined;
  return { pipeline, hash };
}

function bytesInMemory({ denoiser, vaeDecoder, vaeEncoder, textEncoders }: Pipeline): number {
  const components = [
    denoiser,
    vaeDecoder,
    ...textEncoders.values(),
    ...(vaeEncoder ? [vaeEncoder] : []),
  ];
  return components
    .flatMap(({ graph }) => [...graph.constants.values()])
    .reduce((sum, constant) => sum + (isExternal(constant) ? 0 : constant.data.byteLength), 0);
}
