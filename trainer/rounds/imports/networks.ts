/**
 * @file Every network of a pipeline, run once on drawn inputs: it must give numbers, and they must
 * depend on what it is given.
 */
import { AppError } from '@/lib/errors';
import { importImage } from '@/lib/pipeline-imports';
import { Denoiser } from '@/trainer/diffusion/denoise/denoiser';
import { takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import { denoiserKindOf } from '@/trainer/diffusion/denoiser-kinds';
import { ImageEncoder } from '@/trainer/diffusion/images/image-encoder';
import { toRgb } from '@/trainer/diffusion/images/png';
import { drawnFeeds, lostDifference } from '@/trainer/diffusion/pipelines/finite';
import { ImageDecoder, PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Component } from '@/trainer/diffusion/pipelines/static-network';
import { type TextComponent, TextNetwork } from '@/trainer/diffusion/pipelines/text-network';
import { startingNoise } from '@/trainer/diffusion/sampling/noise';
import { withStaticShapes } from '@/trainer/graph/inline';
import { sizeOf } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { EngineError } from '@/trainer/runtime/errors';

/** Two prompts that no encoder may take for one. */
export const triedPrompts = [importImage.prompt, 'two red boats on a lake at night'] as const;

/** How many networks are run of a pipeline. */
export function networksOf({ textEncoders, vaeEncoder }: Pipeline): number {
  return textEncoders.size + (vaeEncoder ? 3 : 2);
}

/** @throws PipelineError, GraphError or AppError naming network and node */
export async function tryNetworks(
  engine: Engine,
  pipeline: Pipeline,
  ran: (done: number) => Promise<void>,
): Promise<void> {
  let done = 0;
  const after = async <Result>(network: string, run: () => Promise<Result>): Promise<Result> => {
    const result = await run().catch((thrown: unknown) => {
      throw explained(thrown, pipeline, network);
    });
    await ran(++done);
    return result;
  };
  for (const [name, component] of pipeline.textEncoders) {
    await after(name, () => tryEncoder(engine, component));
  }
  const contexts = await encodeTwo(engine, pipeline);
  const size = sizeOf(pipeline.latentShape);
  const noise = [1, 2].map((seed) => startingNoise(seed, size));
  await after('the denoiser', async () => {
    const denoiser = await Denoiser.open(engine, pipeline, { images: 1, guidance: 1 });
    const { scheduler } = pipeline;
    const [timestep = 0] = scheduler.timesteps(3).slice(1);
    await denoiser.setPrompts([contexts[0]!], contexts[1]!);
    const one = await denoiser.predict(noise[0]!, timestep);
    const other = await denoiser.predict(noise[1]!, timestep);
    await denoiser.release();
    const { denoiser: component, conditioning } = pipeline;
    const rows = Object.entries(conditioning).map(([port, dims]) => [port, [1, ...dims]]);
    const dims = {
      [denoiserKindOf(component.graph).sample]: [1, ...pipeline.latentShape],
      timestep: takesScalarTimestep(component.graph) ? [] : [1],
      ...Object.fromEntries(rows),
    };
    await refuseConstant({ engine, component, dims }, one, other);
  });
  const pixels = await after('the image decoder', async () => {
    const decoder = await ImageDecoder.open(engine, pipeline, 1);
    const [one, other] = [await decoder.decode(noise[0]!), await decoder.decode(noise[1]!)];
    const { width, height } = decoder;
    await decoder.release();
    const dims = { latent_sample: [1, ...pipeline.latentShape] };
    await refuseConstant({ engine, component: pipeline.vaeDecoder, dims }, one, other);
    return toRgb(one, width, height);
  });
  const { vaeEncoder } = pipeline;
  if (!vaeEncoder) return;
  await after('the image encoder', async () => {
    const encoder = await ImageEncoder.open(engine, pipeline);
    const one = await encoder.encode(pixels, 'A drawn image');
    const dark = { ...pixels, data: pixels.data.map(() => 0) };
    const other = await encoder.encode(dark, 'A black image');
    await encoder.release();
    const dims = { sample: [1, 3, pixels.height, pixels.width] };
    await refuseConstant({ engine, component: vaeEncoder, dims }, one, other);
  });
}

async function tryEncoder(engine: Engine, component: TextComponent): Promise<void> {
  const network = await TextNetwork.open(engine, component);
  const [one, other] = [await network.read(triedPrompts[0]), await network.read(triedPrompts[1])];
  await network.release();
  const ids = [1, component.tokenizer.maxLength];
  const dims = Object.fromEntries(component.graph.inputs.map(({ name }) => [name, ids]));
  for (const [output, { data }] of Object.entries(one.outputs)) {
    await refuseConstant({ engine, component, dims }, data, other.outputs[output]!.data);
  }
}

async function encodeTwo(engine: Engine, pipeline: Pipeline) {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const both = [await encoder.encode(triedPrompts[0]), await encoder.encode(triedPrompts[1])];
  await encoder.release();
  return both;
}

/** A network as it was run, to be run once more for the node to blame. */
interface Tried {
  engine: Engine;
  component: Component;
  dims: Record<string, readonly number[]>;
}

/** @throws AppError where a network gives one number throughout, or the same for all it is given */
async function refuseConstant(tried: Tried, one: Float32Array, other: Float32Array): Promise<void> {
  const { source } = tried.component.graph;
  const found = !isVaried(one)
    ? `${source} gives ${one[0]} throughout: a constant, whatever it is given.`
    : one.every((value, i) => value === other[i]) &&
      `${source} gives the same for two different inputs: what it is given does not reach its output.`;
  if (!found) return;
  throw new AppError(
    'unprocessable',
    `${found} ${await whereLost(tried)} Export this network again, and compare what it gives with the original.`,
  );
}

async function whereLost({ engine, component, dims }: Tried): Promise<string> {
  const graph = withStaticShapes(component.graph, dims);
  const [feeds, others] = [drawnFeeds(graph, 1), drawnFeeds(graph, 2)];
  const { source } = graph;
  const run = { engine, graph: () => graph, folder: component.folder, feeds, name: source, source };
  return lostDifference(run, others);
}

function isVaried(values: Float32Array): boolean {
  return values.some((value) => value !== values[0]);
}

/** What ONNX Runtime says names no remedy for people who did not make the graph. */
function explained(thrown: unknown, { folder }: Pipeline, network: string): unknown {
  if (!(thrown instanceof EngineError) || thrown.name === 'EngineDiedError') return thrown;
  return new AppError(
    'unprocessable',
    `${folder}: ${network} does not run. ${thrown.message.replace(/\.?$/, '.')} Take all parts from one export, or export it again.`,
    { cause: thrown },
  );
}
