/**
 * @file The one way to feed a denoiser. Exports differ: a timestep is int64, int32 or a float, one for the batch or one per
 * image; latents and embeddings may be in half precision. Every graph here takes float32 and casts at the network's ports.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { type Graph, GraphError, type Port } from '@/trainer/graph/model';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';

export interface DenoiseShape {
  /** Images in a run. */
  images: number;
  /** Latent [C, H, W]. */
  latent: readonly number[];
  /** Text embedding [tokens, width]. */
  context: readonly [number, number];
  /** Guidance scale; 1 runs without the unconditional half. */
  guidance: number;
}

/** Graph values, all float32. */
export interface DenoiserInputs {
  /** x_t, [n, C, H, W]. */
  sample: Value;
  /** A scalar for a UNet that takes one step for all rows, else [n]. */
  timestep: Value;
  /** Text embeddings of the prompts, [n, tokens, width]. */
  context: Value;
  /** Embedding of the empty prompt, [1, tokens, width]; left out, there is no guidance. */
  emptyContext?: Value;
}

/** What a run denoises, one of each per image. */
export interface DenoiserBatch {
  /** x_t of all images. */
  latents: Float32Array;
  timesteps: readonly number[];
  contexts: readonly Float32Array[];
  emptyContext: Tensor<'float32'>;
}

/** @throws GraphError naming what a UNet takes instead */
export function unetPort(unet: Graph, name: string): Port {
  const port = unet.inputs.find((input) => input.name === name);
  if (!port) {
    throw new GraphError(
      `${unet.source} has inputs ${unet.inputs.map((i) => i.name).join(', ')}, but a UNet takes sample, timestep and encoder_hidden_states. Export it with Optimum's names.`,
    );
  }
  return port;
}

/** Whether a UNet takes one timestep for the whole batch (older exports) rather than one per row. */
export function takesScalarTimestep(unet: Graph): boolean {
  return unetPort(unet, 'timestep').dims.length === 0;
}

/** Declares `latents`, `timestep`, `context` and, where guided, `emptyContext`: what `denoiserFeeds` feeds. */
export function declareDenoiserInputs(
  b: Builder,
  unet: Graph,
  { images, latent, context, guidance }: DenoiseShape,
): DenoiserInputs {
  return {
    sample: b.input('latents', 'float32', [images, ...latent]),
    timestep: b.input('timestep', 'float32', takesScalarTimestep(unet) ? [] : [images]),
    context: b.input('context', 'float32', [images, ...context]),
    ...(guidance !== 1 && { emptyContext: b.input('emptyContext', 'float32', [1, ...context]) }),
  };
}

/** A network's feeds in its own dtypes. @throws GraphError where a port takes no number that it could be */
export function castToPorts(
  b: Builder,
  unet: Graph,
  { sample, timestep, context }: Omit<DenoiserInputs, 'emptyContext'>,
): Record<string, Value> {
  const named = { sample, timestep, encoder_hidden_states: context };
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => {
      const { dtype } = unetPort(unet, name);
      const isNumber =
        /^b?float/.test(dtype) || (name === 'timestep' && /^int(32|64)$/.test(dtype));
      if (isNumber) return [name, b.cast(value, dtype)];
      throw new GraphError(
        `${unet.source}: "${name}" takes ${dtype}. Export it with ${name === 'timestep' ? 'an int64 or float32 timestep' : 'floating-point inputs'}.`,
      );
    }),
  );
}

/** Timesteps as a UNet takes them: its one, or one per image. */
export function timestepFeed(scalar: boolean, timesteps: readonly number[]): Tensor<'float32'> {
  return scalar ? float32([], timesteps.slice(0, 1)) : float32([timesteps.length], timesteps);
}

/** Feeds of what `declareDenoiserInputs` declares. Images beyond a UNet's one timestep must share it. */
export function denoiserFeeds(
  unet: Graph,
  { images, latent, context, guidance }: DenoiseShape,
  batch: DenoiserBatch,
): Record<string, Tensor<'float32'>> {
  return {
    latents: float32([images, ...latent], batch.latents),
    timestep: timestepFeed(takesScalarTimestep(unet), batch.timesteps),
    context: float32([images, ...context], concatenated(batch.contexts)),
    ...(guidance !== 1 && { emptyContext: float32([1, ...context], batch.emptyContext.data) }),
  };
}
