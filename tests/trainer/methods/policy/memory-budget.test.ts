import { expect, it } from 'vitest';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, sizeOf } from '@/trainer/graph/tensor';
import { buildDenoiseProduct } from '@/trainer/methods/policy/denoise';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { Engine } from '@/trainer/runtime/engine';

it('trains a UNet to the same gradients in less memory, and refuses what no way fits', async () => {
  const pipeline = await openPipeline(handsFolder);
  const { latentShape: latent, conditioning: context, denoiser } = pipeline;
  const shape = { images: 2, latent, context, guidance: 3 };
  const productWithin = (memoryBytes?: number) => {
    const trainable = { ...trainableAdapter(denoiser.graph, 'attention', 4), memoryBytes };
    return buildDenoiseProduct(trainable, shape, true, 'step');
  };
  const engine = await Engine.open({ device: 'cpu', threads: 1 });
  const run = async (graph: ReturnType<typeof productWithin>) => {
    const session = await engine.load(serializeOnnx(graph), {
      name: 'product',
      externalDataFolder: denoiser.folder,
    });
    const feeds = graph.inputs.map(({ name, dtype, dims }, at) => {
      const size = sizeOf(dims as number[]);
      const numbers = Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + at) / 3);
      if (dtype === 'int64')
        return [
          name,
          int64(
            dims as number[],
            numbers.map(() => 300),
          ),
        ];
      const values = name === 'timestep' ? numbers.map(() => 300) : numbers;
      return [name, float32(dims as number[], Float32Array.from(values))];
    });
    const outputs = await session.run(Object.fromEntries(feeds));
    await session.release();
    return outputs;
  };
  try {
    const free = productWithin();
    const least = (() => {
      try {
        return productWithin(1e6);
      } catch (thrown) {
        return thrown as Error & { leastBytes: number };
      }
    })() as Error & { leastBytes: number };
    expect(least.message).toContain('Raise DARKROOM_MEMORY_GB to');
    const tight = productWithin(least.leastBytes);
    expect(tight.nodes.length).toBeGreaterThan(free.nodes.length);
    const [wanted, found] = [await run(free), await run(tight)];
    for (const [name, { data }] of Object.entries(wanted)) {
      const [own, other] = [data as Float32Array, found[name]!.data as Float32Array];
      const most = own.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6);
      const worst = own.reduce((max, value, i) => Math.max(max, Math.abs(value - other[i]!)), 0);
      expect(worst / most, name).toBeLessThan(1e-4);
    }
  } finally {
    await engine.close();
  }
});
