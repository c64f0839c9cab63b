import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { worstRelativeError } from '@/tests/support/golden';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { attachAdapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
let pipeline: Pipeline;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  const folder = join(mkdtempSync(join(tmpdir(), 'darkroom-lora-')), 'tiny');
  await writeTinyPipeline(folder);
  pipeline = await openPipeline(folder);
});
afterAll(() => engine.close());

it('a frozen adapter becomes part of the weights and draws what a fed one draws', async () => {
  const { graph } = pipeline.denoiser;
  const sites = adapterSites(graph, 'attention+feed-forward+convolutions');
  const draws = gaussianNoise('adapter', 200_000);
  let at = 0;
  const adapter = new Map<string, Tensor>(
    [...initialAdapter(sites.values(), 4, () => draws[at++]!)].map(([name, { dims }]) => [
      name,
      float32(
        dims,
        Float32Array.from({ length: sizeOf(dims) }, () => 0.3 * (draws[at++] ?? 0)),
      ),
    ]),
  );
  const told = pipeline.conditioning.encoder_hidden_states as readonly number[];
  const feeds = {
    sample: float32(
      [2, ...pipeline.latentShape],
      gaussianNoise('x', 2 * sizeOf(pipeline.latentShape)),
    ),
    timestep: int64([2], [400, 400]),
    context: float32([2, ...told], gaussianNoise('c', 2 * sizeOf(told))),
  };
  const build = (frozen: boolean, scale: number) => {
    const b = new Builder('unet');
    for (const [name, tensor] of adapter) {
      if (frozen) b.constant(name, tensor);
      else b.input(name, 'float32', tensor.dims);
    }
    const timestepDims = graph.inputs.find(({ name }) => name === 'timestep')?.dims.length
      ? [2]
      : [];
    const [output] = Object.values(
      inline(b, graph, {
        feeds: {
          sample: b.input('sample', 'float32', feeds.sample.dims),
          timestep: b.input('timestep', 'int64', timestepDims),
          encoder_hidden_states: b.input('context', 'float32', feeds.context.dims),
        },
        onNode: attachAdapter(sites, (name) => name, scale),
      }),
    );
    b.output(output as string, 'output');
    return b.finish();
  };
  const run = async (frozen: boolean, scale: number) => {
    const built = build(frozen, scale);
    const scalar = built.inputs.find(({ name }) => name === 'timestep')?.dims.length === 0;
    const session = await engine.load(serializeOnnx(built), {
      name: 'unet',
      externalDataFolder: pipeline.denoiser.folder,
    });
    const out = await session.run(
      {
        ...feeds,
        ...(scalar && { timestep: int64([], [400]) }),
        ...(frozen ? {} : Object.fromEntries(adapter)),
      },
      {},
    );
    await session.release();
    return outputOf(out, 'output', 'float32').data;
  };
  const fed = await run(false, 0.5);
  expect(worstRelativeError(await run(true, 0.5), fed)).toBeLessThan(1e-4);
  expect(worstRelativeError(await run(true, 0), fed)).toBeGreaterThan(1e-2);
  const convolutions = (frozen: boolean) =>
    build(frozen, 0.5).nodes.filter(({ op }) => op === 'Conv').length;
  expect(convolutions(true)).toBe(graph.nodes.filter(({ op }) => op === 'Conv').length);
  expect(convolutions(false)).toBeGreaterThan(convolutions(true));
});
