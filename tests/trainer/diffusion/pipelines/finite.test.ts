import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { graphOf, nodeOf } from '@/tests/support/graph-of';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { ImageEncoder } from '@/trainer/diffusion/images/image-encoder';
import { drawnFeeds, lostDifference } from '@/trainer/diffusion/pipelines/finite';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { withStaticShapes } from '@/trainer/graph/inline';
import type { Graph, Node, Port } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'finite-'));
  await writeTinyPipeline(folder);
});
afterEach(() => rm(folder, { recursive: true }));

async function change(network: string, how: (graph: Graph) => void): Promise<void> {
  const path = join(folder, network, 'model.onnx');
  const graph = await readOnnxFile(path);
  how(graph);
  await writeFile(path, serializeOnnx(graph));
}

/** Puts a logarithm behind a node in the middle: of negative values it is NaN. */
const withLogarithm = (graph: Graph) => {
  const middle = graph.nodes.findIndex(
    ({ op }, i) => (op === 'Conv' || op === 'MatMul') && i > graph.nodes.length / 2,
  );
  const node = graph.nodes[middle]!;
  const output = node.outputs[0]!;
  node.outputs[0] = 'before';
  graph.nodes.splice(middle + 1, 0, {
    name: '/broken/Log',
    op: 'Log',
    domain: '',
    inputs: ['before'],
    outputs: [output],
    attributes: {},
  });
};

/** Makes one value of a weight infinite, and returns the node that takes it. */
const withBrokenWeight = (graph: Graph) => {
  for (const node of graph.nodes) {
    const weight = graph.constants.get(node.inputs[1] ?? '');
    if (node.op !== 'Conv' || !weight || !('data' in weight)) continue;
    (weight.data as Float32Array)[3] = Number.POSITIVE_INFINITY;
    return;
  }
  throw new Error('There is no convolution.');
};

async function draw(): Promise<void> {
  const pipeline = await openPipeline(folder);
  const settings = { steps: 2, eta: 1, guidance: 3 };
  const sampler = await Sampler.open(engine, pipeline, { images: 2, settings });
  for await (const _ of sampler.sample([{ prompt: '1 hand', seed: 1, noiseSeed: 1 }]));
}

it.each([
  ['vae_decoder', 'The image decoder'],
  ['unet', 'The UNet, at t = 501,'],
])('%s that makes NaN is named, with the node', async (network, name) => {
  await change(network, withLogarithm);
  await expect(draw()).rejects.toThrow(
    `${name} of ${join(folder, network, 'model.onnx')} gave NaN (no number). It began at node "/broken/Log" (Log): what entered it were numbers.`,
  );
});

it('a weight that is no number is named', async () => {
  await change('vae_decoder', withBrokenWeight);
  await expect(draw()).rejects.toThrow(
    /^The image decoder of .+ gave (NaN|infinity).*\. It began at node ".+" \(Conv\), whose weight ".+" is no number itself\. Download or export the file again/,
  );
});

it('a text encoder is looked at, too', async () => {
  await change('text_encoder', (graph) => {
    const [name, table] = [...graph.constants].find(([, { dims }]) => (dims[0] ?? 0) > 300)!;
    expect(name).toContain('embed');
    if ('data' in table) (table.data as Float32Array).fill(Number.NaN);
  });
  await expect(draw()).rejects.toThrow(
    /^The text encoder of .+ gave NaN \(no number\)\. It began at node ".+" \(Gather\), whose weight/,
  );
});

it('an image encoder is looked at, too', async () => {
  await change('vae_encoder', withLogarithm);
  const encoder = await ImageEncoder.open(engine, await openPipeline(folder));
  const image = { width: 32, height: 32, data: new Uint8Array(3 * 32 * 32).fill(90) };
  await expect(encoder.encode(image, 'an image')).rejects.toThrow(
    /^The image encoder of .*vae_encoder\/model\.onnx gave NaN.+"\/broken\/Log"/,
  );
});

describe('a network that gives the same for two inputs', () => {
  const port = (name: string): Port => ({ name, dtype: 'float32', dims: [2, 3] });

  async function lostIn(nodes: Node[]): Promise<string> {
    const graph = withStaticShapes(
      graphOf(18, [port('x'), port('other')], nodes, [port('y')], {
        zero: float32([], [0]),
        one: float32([1], [1]),
      }),
      {},
    );
    const run = { engine, graph: () => graph, folder, name: 'It', source: 'test.onnx' };
    return lostDifference({ ...run, feeds: drawnFeeds(graph, 1) }, drawnFeeds(graph, 2));
  }

  it('is told at which node the difference was lost', async () => {
    const nodes = [
      nodeOf('Greater', ['x', 'one'], ['early']),
      nodeOf('Sin', ['x'], ['a']),
      nodeOf('Mul', ['a', 'zero'], ['b']),
      nodeOf('Cos', ['b'], ['y']),
    ];
    expect(await lostIn(nodes)).toBe('What differs in them is lost at node "/b/Mul" (Mul).');
  });

  it('or that nothing takes it', async () => {
    const nodes = [nodeOf('Sin', ['x'], ['a']), nodeOf('Shape', ['a'], ['b'])];
    nodes.push(nodeOf('ConstantOfShape', ['b'], ['y']));
    expect(await lostIn(nodes)).toBe('No node of it takes what it is given.');
  });
});
