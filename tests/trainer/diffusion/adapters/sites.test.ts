import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { goldenFolder } from '@/tests/support/golden';
import { type AdapterTargets, adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Graph } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';

const denoiser = () => readOnnxFile(join(goldenFolder, 'tiny-sd/unet/model.onnx'));

const all: AdapterTargets = 'attention+feed-forward+convolutions';

/** The same graph with every name but those of its ports replaced by a number. */
function anonymized(graph: Graph): Graph {
  const kept = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const numbers = new Map<string, string>();
  const renamed = (name: string) => {
    if (name === '' || kept.has(name)) return name;
    if (!numbers.has(name)) numbers.set(name, `v${numbers.size}`);
    return numbers.get(name)!;
  };
  const nodes = graph.nodes.map((node, i) => ({
    ...node,
    name: `n${i}`,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }));
  const constants = new Map([...graph.constants].map(([name, value]) => [renamed(name), value]));
  return { ...graph, nodes, constants };
}

/** What dynamo's exporter keeps of a node: the modules around it, as Python prints a list. */
function dynamoMetadata(path: string): Uint8Array {
  const parts = path.split('.');
  const around = parts.map((_, i) => parts.slice(0, i + 1).join('.'));
  const scopes = ['', ...around, 'linear_7'].map((scope) => `'${scope}'`).join(', ');
  const entry = (key: string, value: string) =>
    new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(key)
      .tag(2, WireType.LengthDelimited)
      .string(value)
      .finish();
  const writer = new BinaryWriter().tag(6, WireType.LengthDelimited).string('a doc string');
  for (const [key, value] of [
    ['namespace', ': a.Model/to_q: torch.nn.Linear'],
    ['pkg.torch.onnx.name_scopes', `[${scopes}]`],
  ] as const) {
    writer.tag(9, WireType.LengthDelimited).bytes(entry(key, value));
  }
  return writer.finish();
}

describe('where an adapter attaches', () => {
  it('is every attention projection, under its module path', async () => {
    const keys = [...adapterSites(await denoiser(), 'attention').values()].map((site) => site.key);
    expect(keys).toHaveLength(32);
    expect(keys).toContain('down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0');
  });

  it('is also feed-forward layers and convolutions where asked', async () => {
    const sites = [
      ...adapterSites(await denoiser(), 'attention+feed-forward+convolutions').values(),
    ];
    const conv = sites.find((site) => site.key === 'mid_block.resnets.0.conv1');
    expect(conv).toMatchObject({ kind: 'convolution', window: { kernel: [3, 3] } });
    expect(sites.some((site) => site.key.endsWith('ff.net.0.proj'))).toBe(true);
  });

  it('is found by structure where names say nothing, under the path that one bias tells', async () => {
    const graph = await denoiser();
    const named = [...adapterSites(graph, 'attention').values()];
    const wanted = [...adapterSites(graph, all).values()];
    graph.nodes.forEach((node, i) => {
      node.name = `node_${i}`;
    });
    expect([...adapterSites(graph, 'attention').values()]).toEqual(named);
    expect([...adapterSites(graph, all).values()]).toEqual(wanted);
  });

  it('is told by the metadata of dynamo, whose names are numbers', async () => {
    const graph = await denoiser();
    const anonymous = anonymized(graph);
    for (const [i, { name }] of graph.nodes.entries()) {
      const [, path] = /^\/(.+)\/\w+$/.exec(name) ?? [];
      if (path) anonymous.nodes[i]!.unknown = dynamoMetadata(path.replaceAll('/', '.'));
    }
    for (const targets of ['attention', all] as const) {
      const keys = [...adapterSites(graph, targets).values()];
      expect([...adapterSites(anonymous, targets).values()]).toEqual(keys);
    }
  });

  it('is found by structure where nothing has a name, under one that is made up', async () => {
    const graph = await denoiser();
    const named = adapterSites(graph, 'attention');
    const anonymous = anonymized(graph);
    const found = adapterSites(anonymous, 'attention');
    const keys = [...found.values()].map(({ key }) => key);
    expect(keys.slice(0, 4).sort()).toEqual(
      ['to_k', 'to_out.0', 'to_q', 'to_v'].map((name) => `attention.0.${name}`),
    );
    expect(keys).toHaveLength(named.size);
    expect(() => adapterSites(anonymous, all)).toThrow(/no node is named after its module/);
  });

  it('is nowhere in a graph without attention, and the error says so', async () => {
    const graph = { ...(await denoiser()), nodes: [] };
    expect(() => adapterSites(graph, 'attention')).toThrow(
      /model\.onnx: no node is named after an attention/,
    );
  });

  it('is nowhere in what is no denoiser, and the error names the ports that one has', async () => {
    const graph = await readOnnxFile(join(goldenFolder, 'ops/silu.onnx'));
    expect(() => adapterSites(graph, 'attention')).toThrow(
      /silu\.onnx has inputs x0, but a UNet takes sample, a transformer hidden_states/,
    );
  });
});
