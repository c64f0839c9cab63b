/**
 * @file Classifier-free guidance inside a graph: both branches in one denoiser run. Ho & Salimans,
 * arXiv 2207.12598.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { type InlineOptions, inline } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { castToPorts, type DenoiserInputs } from './inputs';

/**
 * Appends ε_u + guidance·(ε_c − ε_u), or ε_c alone without an empty context; float32, shaped like
 * `sample`.
 */
export function appendGuidedOutput(
  b: Builder,
  denoiser: Graph,
  inputs: DenoiserInputs & { guidance: number },
  options: Partial<InlineOptions> = {},
): Value {
  const run = (sample: Value, timestep: Value, context: DenoiserInputs['context']) => {
    const feeds = castToPorts(b, denoiser, { sample, timestep, context });
    const outputs = inline(b, denoiser, { ...options, feeds: { ...options.feeds, ...feeds } });
    return b.cast(Object.values(outputs)[0]!, 'float32');
  };
  if (!inputs.emptyContext || inputs.guidance === 1)
    return run(inputs.sample, inputs.timestep, inputs.context);
  const dims = b.dims(inputs.sample);
  const n = dims[0]!;
  const { context, emptyContext } = inputs;
  const both = Object.entries(context).map(([port, own]) => {
    const empty = b.expand(emptyContext[port]!, b.dims(own));
    return [port, b.concat([empty, own], 0)];
  });
  const perRow = b.dims(inputs.timestep).length === 1;
  const output = run(
    b.concat([inputs.sample, inputs.sample], 0),
    perRow ? b.concat([inputs.timestep, inputs.timestep], 0) : inputs.timestep,
    Object.fromEntries(both),
  );
  const unguided = b.slice(output, 0, 0, n);
  const guided = b.slice(output, 0, n, 2 * n);
  return b.add(unguided, b.scale(b.sub(guided, unguided), inputs.guidance));
}
