/**
 * @file A trained policy's own weights as a safetensors file: a LoRA adapter under diffusers' keys,
 * or all weights of the UNet under its module names. What was trained, and over which pipeline,
 * stands in the file's metadata.
 */

import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { lineageProblem } from '@/lib/settings/method-fit';
import { trainingSettings } from '@/lib/settings/training';
import { type Adapter, checkAdapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { PolicyWeights } from '@/trainer/diffusion/denoise/denoiser';
import {
  parseSafetensors,
  SafetensorsError,
  serializeSafetensors,
} from '@/trainer/formats/safetensors';
import type { Graph } from '@/trainer/graph/model';
import { withConstantsInMemory } from '@/trainer/graph/onnx/read';
import { inSinglePrecision } from '@/trainer/graph/single-precision';
import type { Tensor } from '@/trainer/graph/tensor';
import {
  type Trainable,
  trainableAdapter,
  trainableWeights,
} from '@/trainer/methods/policy/trainable';
import { type Label, randomOf } from '../draw/random';
import { memoryBudget } from '../pipelines/machine';
import { targetsOf } from './method-settings';

type Trainables = keyof typeof trainingSettings.trainables.choices;
const trainables = Object.keys(trainingSettings.trainables.choices) as Trainables[];

const weightsKindSchema = z.object({
  trainables: z.enum(trainables),
  loraRank: z.number().int().positive(),
  loraAlpha: z.number().positive(),
});

/**
 * Which weights a policy has of its own; rank and alpha say nothing where all weights are trained.
 */
export type WeightsKind = z.infer<typeof weightsKindSchema>;

const noteSchema = weightsKindSchema.extend({ pipelineHash: z.string() });

export interface PolicyFile {
  kind: WeightsKind;
  /** The pipeline the weights belong to. */
  pipelineHash: string;
  tensors: Adapter;
}

/**
 * The UNet as training of this kind needs it: with its weights in memory where all of them are
 * trained.
 */
export async function trainedDenoiser(denoiser: Graph, kind: WeightsKind): Promise<Graph> {
  return kind.trainables === 'full'
    ? inSinglePrecision(await withConstantsInMemory(denoiser))
    : denoiser;
}

/** What a training of this kind moves in `trainedUnet`'s UNet. */
export function trainableOf(
  denoiser: Graph,
  { trainables: which, loraRank, loraAlpha }: WeightsKind,
): Trainable {
  const trainable =
    which === 'full'
      ? trainableWeights(denoiser)
      : trainableAdapter(denoiser, targetsOf[which], loraRank, loraAlpha);
  return { ...trainable, memoryBytes: memoryBudget() };
}

/**
 * Where training starts: the weights of the policy it goes on from, or, from a base policy, an
 * adapter that changes nothing yet, or the UNet's own weights. Throws where a policy was trained
 * otherwise than it now should be.
 */
export function startingTensors(
  denoiser: Graph,
  kind: WeightsKind,
  from: PolicyFile | null,
  label: Label,
): Adapter {
  if (from) {
    const problem = lineageProblem(from.kind, kind);
    if (problem) throw new AppError('unprocessable', problem);
    return from.tensors;
  }
  const { trainables: which, loraRank } = kind;
  if (which !== 'full') {
    const { gaussian } = randomOf(...label, 'adapter');
    return initialAdapter(adapterSites(denoiser, targetsOf[which]).values(), loraRank, gaussian);
  }
  const own = trainableWeights(denoiser).tensors.map(({ name }) => [
    name,
    denoiser.constants.get(name),
  ]);
  return new Map(own as [string, Tensor<'float32'>][]);
}

/**
 * The bytes of a policy file; the same weights give the same bytes. Training goes on from it with
 * its own alpha; what people download is brought to alpha = rank (`lib/adapter-file.ts`).
 */
export function serializePolicy({ kind, pipelineHash, tensors }: PolicyFile): Uint8Array {
  const { trainables: which, loraRank, loraAlpha } = kind;
  const note = { trainables: which, loraRank, loraAlpha, pipelineHash };
  return serializeSafetensors(tensors, { format: 'pt', darkroom: JSON.stringify(note) });
}

/** Reads what `serializePolicy` wrote; `source` is the name for errors. */
export function parsePolicy(bytes: Uint8Array, source: string): PolicyFile {
  const { tensors, metadata } = parseSafetensors(bytes, source);
  const note = noteSchema.safeParse(jsonOf(metadata.darkroom ?? '')).data;
  if (!note) {
    throw new SafetensorsError(
      `${source} does not say what was trained in it, so it is no policy of Darkroom's. Restore it from a backup.`,
    );
  }
  const { pipelineHash, ...kind } = note;
  return { kind, pipelineHash, tensors: tensors as Adapter };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * How the file's weights enter the UNet. Throws where they do not fit it, naming the first that
 * does not.
 */
export function weightsOf(
  denoiser: Graph,
  { kind, tensors }: PolicyFile,
  source: string,
): PolicyWeights {
  const trainable = trainableOf(denoiser, kind);
  return { ...trainable, tensors: checkAdapter(tensors, trainable.tensors, source) };
}
