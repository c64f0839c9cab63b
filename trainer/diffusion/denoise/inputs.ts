/**
 * @file The one way to feed a denoiser. Exports differ: a timestep is int64, int32 or a float, one
 * for the batch or one per image; latents and embeddings may be in half precision. Every graph here
 * takes float32 and casts at the network's ports.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { type Graph, GraphError, type Port } from '@/trainer/graph/model';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { denoiserKindOf } from '../denoiser-kinds';
import { type Conditioning, type ConditioningShape, stacked } from '../pipelines/conditioning';

export interface DenoiseShape {
  /** Images in a run. */
  images: number;
  /** Latent [C, H, W]. */
  latent: readonly number[];
  /** What the network is told of a prompt. */
  context: ConditioningShape;
  /** Guidance scale; 1 runs without the unconditional half. */
  guidance: number;
}

/** Graph values, all float32. */
export interface DenoiserInputs {
  /** x_t, [n, C, H, W]. */
  sample: Value;
  /** A scalar for a denoiser that takes one step for all rows, else [n]. */
  timestep: Value;
  /** What it is told of the prompts, by port: [n, …]. */
  context: Readonly<Record<string, Value>>;
  /** Of the empty prompt: [1, …]; left out, there is no guidance. */
  emptyContext?: Readonly<Record<string, Value>>;
}

/** What a run denoises, one of each per image. */
export interface DenoiserBatch {
  /** x_t of all images. */
  latents: Float32Array;
  timesteps: readonly number[];
  contexts: readonly Conditioning[];
  emptyContext: Conditioning;
}

/** @throws GraphError naming what a denoiser takes instead */
export function denoiserPort(denoiser: Graph, name: string): Port {
  const port = denoiser.inputs.find((input) => input.name === name);
  if (!port) {
    const has = denoiser.inputs.map((input) => input.name).join(', ');
    throw new GraphError(
      `${denoiser.source} has inputs ${has}, but no "${name}". Export it with Optimum's names.`,
    );
  }
  return port;
}

/**
 * Whether a denoiser takes one timestep for the whole batch (older exports) rather than one per
 * row.
 */
export function takesScalarTimestep(denoiser: Graph): boolean {
  return denoiserPort(denoiser, 'timestep').dims.length === 0;
}

/** The input that takes the empty prompt's tensor for a port. */
export const emptyInput = (port: string) => `empty.${port}`;

/**
 * Declares `latents`, `timestep`, the ports of prompts and, where guided, the empty prompt's: what
 * `denoiserFeeds` feeds.
 */
export function declareDenoiserInputs(
  b: Builder,
  denoiser: Graph,
  { images, latent, context, guidance }: DenoiseShape,
): DenoiserInputs {
  return {
    sample: b.input('latents', 'float32', [images, ...latent]),
    timestep: b.input('timestep', 'float32', takesScalarTimestep(denoiser) ? [] : [images]),
    context: declared(b, context, (port) => port, images),
    ...(guidance !== 1 && { emptyContext: declared(b, context, emptyInput, 1) }),
  };
}

function declared(
  b: Builder,
  shape: ConditioningShape,
  nameOf: (port: string) => string,
  rows: number,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(shape).map(([port, dims]) => [
      port,
      b.input(nameOf(port), 'float32', [rows, ...dims]),
    ]),
  );
}

/**
 * A network's feeds in its own dtypes. @throws GraphError where a port takes no number that it
 * could be
 */
export function castToPorts(
  b: Builder,
  denoiser: Graph,
  { sample, timestep, context }: Omit<DenoiserInputs, 'emptyContext'>,
): Record<string, Value> {
  const named = { [denoiserKindOf(denoiser).sample]: sample, timestep, ...context };
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => {
      const { dtype } = denoiserPort(denoiser, name);
      const mayBeWhole = name === 'timestep' || name.endsWith('_mask');
      if (/^b?float/.test(dtype) || (mayBeWhole && /^int(32|64)$/.test(dtype)))
        return [name, b.cast(value, dtype)];
      throw new GraphError(
        `${denoiser.source}: "${name}" takes ${dtype}. Export it with ${name === 'timestep' ? 'an int64 or float32 timestep' : 'floating-point inputs'}.`,
      );
    }),
  );
}

/** Timesteps as a denoiser takes them: its one, or one per image. */
export function timestepFeed(scalar: boolean, timesteps: readonly number[]): Tensor<'float32'> {
  return scalar ? float32([], timesteps.slice(0, 1)) : float32([timesteps.length], timesteps);
}

/**
 * Feeds of what `declareDenoiserInputs` declares. Images beyond a denoiser's one timestep must
 * share it.
 */
export function denoiserFeeds(
  denoiser: Graph,
  { images, latent, context, guidance }: DenoiseShape,
  batch: DenoiserBatch,
): Record<string, Tensor<'float32'>> {
  return {
    latents: float32([images, ...latent], batch.latents),
    timestep: timestepFeed(takesScalarTimestep(denoiser), batch.timesteps),
    ...stacked(context, batch.contexts),
    ...(guidance !== 1 && emptyFeeds(context, batch.emptyContext)),
  };
}

/** Feeds of the empty prompt. */
export function emptyFeeds(
  shape: ConditioningShape,
  empty: Conditioning,
): Record<string, Tensor<'float32'>> {
  const feeds = Object.entries(stacked(shape, [empty]));
  return Object.fromEntries(feeds.map(([port, value]) => [emptyInput(port), value]));
}
