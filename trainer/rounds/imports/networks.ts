/**
 * @file Every network of a pipeline, run once on drawn inputs: it must give numbers, and they must
 * depend on what it is given.
 */
import { AppError } from '@/lib/errors';
import { importImage } from '@/lib/pipeline-imports';
import { Denoiser } from '@/trainer/diffusion/denoise/denoiser';
import { ImageEncoder } from '@/trainer/diffusion/images/image-encoder';
import { toRgb } from '@/trainer/diffusion/images/png';
import { ImageDecoder, PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { type TextComponent, TextNetwork } from '@/trainer/diffusion/pipelines/text-network';
import { startingNoise } from '@/trainer/diffusion/sampling/noise';
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
    refuseConstant(pipeline.denoiser.graph.source, one, other);
  });
  const pixels = await after('the image decoder', async () => {
    const decoder = await ImageDecoder.open(engine, pipeline, 1);
    const [one, other] = [await decoder.decode(noise[0]!), await decoder.decode(noise[1]!)];
    const { width, height } = decoder;
    await decoder.release();
    refuseConstant(pipeline.vaeDecoder.graph.source, one, other);
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
    refuseConstant(vaeEncoder.graph.source, one, other);
  });
}

async function tryEncoder(engine: Engine, component: TextComponent): Promise<void> {
  const network = await TextNetwork.open(engine, component);
  const [one, other] = [await network.read(triedPrompts[0]), await network.read(triedPrompts[1])];
  await network.release();
  for (const [output, { data }] of Object.entries(one.outputs)) {
    refuseConstant(component.graph.source, data, other.outputs[output]!.data);
  }
}

async function encodeTwo(engine: Engine, pipeline: Pipeline) {
  const encoder = await PromptEncoder.open(engine, pipeline);
  const both = [await encoder.encode(triedPrompts[0]), await encoder.encode(triedPrompts[1])];
  await encoder.release();
  return both;
}

/** @throws AppError where a network gives one number throughout, or the same for all it is given */
function refuseConstant(source: string, one: Float32Array, other: Float32Array): void {
  if (!isVaried(one)) {
    throw new AppError(
      'unprocessable',
      `${source} gives ${one[0]} throughout: a constant, whatever it is given. Export this network again, and compare what it gives with the original.`,
    );
  }
  if (one.every((value, i) => value === other[i])) {
    throw new AppError(
      'unprocessable',
      `${source} gives the same for two different inputs: what it is given does not reach its output. Export this network again, and compare what it gives with the original.`,
    );
  }
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
