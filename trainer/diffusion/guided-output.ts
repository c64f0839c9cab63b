/** @file Classifier-free guidance inside a graph: both branches in one UNet run. Ho & Salimans, arXiv 2207.12598. */
import type { Builder, Value } from '@/trainer/graph/builder';
import { type InlineOptions, inline } from '@/trainer/graph/inline';
import { type Graph, GraphError } from '@/trainer/graph/model';

export interface GuidedInputs {
  /** x_t, [n, C, H, W]. */
  sample: Value;
  /** Text embeddings of the prompts, [n, tokens, width]. */
  context: Value;
  /** Embedding of the empty prompt, [1, tokens, width]; left out, there is no guidance. */
  emptyContext?: Value;
  /** int64: a scalar for a UNet that takes one step for all rows, else [n]. */
  timestep: Value;
  guidance: number;
}

/** Whether a UNet takes one timestep for the whole batch (older exports) rather than one per row. */
export function takesScalarTimestep(unet: Graph): boolean {
  return unetPort(unet, 'timestep').dims.length === 0;
}

export function unetPort(unet: Graph, name: string) {
  const port = unet.inputs.find((input) => input.name === name);
  if (!port) {
    throw new GraphError(
      `${unet.source} has inputs ${unet.inputs.map((i) => i.name).join(', ')}, but a UNet takes sample, timestep and encoder_hidden_states. Export it with Optimum's names.`,
    );
  }
  return port;
}

/** Appends ε_u + guidance·(ε_c − ε_u), or ε_c alone without an empty context; shaped like `sample`. */
export function appendGuidedOutput(
  b: Builder,
  unet: Graph,
  inputs: GuidedInputs,
  options: Partial<InlineOptions> = {},
): Value {
  const run = (sample: Value, timestep: Value, context: Value) =>
    Object.values(
      inline(b, unet, {
        ...options,
        feeds: { ...options.feeds, sample, timestep, encoder_hidden_states: context },
      }),
    )[0] as Value;
  if (!inputs.emptyContext || inputs.guidance === 1)
    return run(inputs.sample, inputs.timestep, inputs.context);
  const dims = b.dims(inputs.sample);
  const n = dims[0] as number;
  const empty = b.expand(inputs.emptyContext, b.dims(inputs.context));
  const perRow = b.dims(inputs.timestep).length === 1;
  const output = run(
    b.concat([inputs.sample, inputs.sample], 0),
    perRow ? b.concat([inputs.timestep, inputs.timestep], 0) : inputs.timestep,
    b.concat([empty, inputs.context], 0),
  );
  const unguided = b.slice(output, 0, 0, n);
  const guided = b.slice(output, 0, n, 2 * n);
  return b.add(unguided, b.scale(b.sub(guided, unguided), inputs.guidance));
}
