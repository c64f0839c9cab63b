import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adapterFor, adapterNamings } from '@/lib/exchange/adapter-file';
import { attachAdapter } from '@/trainer/diffusion/adapters/lora';
import { readAdapter } from '@/trainer/diffusion/adapters/read-adapter';
import { type AdapterSite, adapterSites } from '@/trainer/diffusion/adapters/sites';
import { denoiserKindOf } from '@/trainer/diffusion/denoiser-kinds';
import { parseSafetensors, readSafetensors } from '@/trainer/formats/safetensors';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import type { Graph, Node } from '@/trainer/graph/model';
import { openGraphFile } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { inSinglePrecision } from '@/trainer/graph/single-precision';
import { float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { serializePolicy, type WeightsKind } from '@/trainer/rounds/train/policy-file';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { Golden } from './golden';
import { relativeError } from './report';

const families = fileURLToPath(new URL('../../../shared/golden/families', import.meta.url));

/** Family, folder of its denoiser, LoRA file, the pass with it. */
const cases = [
  ['tiny-sdxl', 'unet', 'lora', 'unet_lora'],
  ['tiny-sd-fp16', 'unet', 'lora', 'unet_lora'],
  ['tiny-sd3', 'transformer', 'lora', 'transformer_lora'],
  ['tiny-sd3', 'transformer', 'lora_joint', 'transformer_lora_joint'],
  ['tiny-sd3-dynamo', 'transformer', 'lora_joint', 'transformer_lora_joint'],
  ['tiny-sana', 'transformer', 'lora', 'transformer_lora'],
] as const;

describe.skipIf(!existsSync(families))('an adapter of diffusers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
  });
  afterAll(() => engine.close());

  it.each(cases)(
    'changes %s/%s by the same numbers here (%s)',
    async (family, part, lora, pass) => {
      const { graph, folder } = await denoiserOf(family, part);
      const parity = join(families, family.replace('-dynamo', ''), 'parity');
      const file = await readSafetensors(join(parity, `${lora}.safetensors`));
      const golden = await Golden.read(parity, pass);
      const adapter = read(graph, file);
      const run = (tensors: ReadonlyMap<string, Tensor>) =>
        outputWith(engine, { graph, folder, golden, tensors });
      const wanted = golden.output(denoiserKindOf(graph).output);
      expect(relativeError(await run(adapter.tensors), wanted)).toBeLessThan(2e-4);
      const nothing = [...adapter.tensors].map(([name, { dims }]) => [
        name,
        zeros('float32', dims),
      ]);
      const without = await run(new Map(nothing as [string, Tensor][]));
      expect(relativeError(without, wanted)).toBeGreaterThan(1e-2);
      // What Darkroom writes is the same adapter, with alpha of twice the rank beside half of B.
      const kind: WeightsKind = {
        trainables: 'attention',
        loraRank: adapter.rank,
        loraAlpha: 2 * adapter.rank,
      };
      const tensors = new Map(
        [...adapter.tensors].map(([name, { dims, data }]) => [
          name,
          name.endsWith('lora_B.weight')
            ? float32(
                dims,
                data.map((value) => value / 2),
              )
            : float32(dims, data),
        ]),
      );
      const stored = serializePolicy({ kind, pipelineHash: 'hash', tensors });
      for (const naming of adapterNamings) {
        const download = parseSafetensors(adapterFor(naming, stored), naming);
        expect(read(graph, download).tensors).toEqual(adapter.tensors);
      }
      const config = JSON.parse(file.metadata.lora_adapter_metadata!) as Record<string, unknown>;
      const { metadata } = parseSafetensors(adapterFor('diffusers', stored), 'x');
      const own = JSON.parse(metadata.lora_adapter_metadata!) as Record<string, unknown>;
      for (const [key, value] of Object.entries(own)) {
        expect(typeof config[key], key).toBe(typeof value);
      }
    },
  );

  it('has the same places in either export of one model', async () => {
    const bySites = async (family: string) => {
      const { graph } = await denoiserOf(family, 'transformer');
      const sites = [...adapterSites(graph, 'attention+feed-forward+convolutions').values()];
      return sites.sort((a, b) => (a.key < b.key ? -1 : 1));
    };
    expect(await bySites('tiny-sd3-dynamo')).toEqual(await bySites('tiny-sd3'));
  });
});

async function denoiserOf(family: string, part: string) {
  const path = join(families, family, 'pipeline', part, 'model.onnx');
  const { graph, folder } = await openGraphFile(path);
  return { graph: inSinglePrecision(graph), folder };
}

const read = (graph: Graph, file: Parameters<typeof readAdapter>[0]) =>
  readAdapter(file, graph, { source: 'lora', gaussian: () => 0.5 });

async function outputWith(
  engine: Engine,
  {
    graph,
    folder,
    golden,
    tensors,
  }: { graph: Graph; folder: string; golden: Golden; tensors: ReadonlyMap<string, Tensor> },
): Promise<Tensor<'float32'>> {
  const b = new Builder('denoiser');
  for (const [name, value] of tensors) b.constant(name, value);
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => {
      const value = golden.get(name);
      const own = dims.length === 0 ? [] : value.dims;
      return [name, dtype === 'float32' ? golden.floats(name, own) : { ...value, dims: own }];
    }),
  ) as Record<string, Tensor>;
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, dims }]) => [name, b.input(name, dtype, dims)]),
  );
  const sites: ReadonlyMap<Node, AdapterSite> = adapterSites(graph, 'attention');
  const outputs = inline(b, graph, { feeds, onNode: attachAdapter(sites, (name) => name, 1) });
  const { output } = denoiserKindOf(graph);
  b.output(outputs[output]!, 'output');
  const session = await engine.load(serializeOnnx(b.finish()), {
    name: 'denoiser',
    externalDataFolder: folder,
  });
  const result = outputOf(await session.run(inputs, {}), 'output', 'float32');
  await session.release();
  return result;
}
