import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { goldenFolder } from '@/tests/support/golden';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { readOnnxFile } from '@/trainer/graph/onnx/read';

const unet = () => readOnnxFile(join(goldenFolder, 'tiny-sd/unet/model.onnx'));

describe('where an adapter attaches', () => {
  it('is every attention projection, under its module path', async () => {
    const keys = [...adapterSites(await unet(), 'attention').values()].map((site) => site.key);
    expect(keys).toHaveLength(32);
    expect(keys).toContain('down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0');
  });

  it('is also feed-forward layers and convolutions where asked', async () => {
    const sites = [...adapterSites(await unet(), 'attention+feed-forward+convolutions').values()];
    const conv = sites.find((site) => site.key === 'mid_block.resnets.0.conv1');
    expect(conv).toMatchObject({ kind: 'convolution', window: { kernel: [3, 3] } });
    expect(sites.some((site) => site.key.endsWith('ff.net.0.proj'))).toBe(true);
  });

  it('is found by structure where names say nothing', async () => {
    const graph = await unet();
    const named = adapterSites(graph, 'attention');
    graph.nodes.forEach((node, i) => {
      node.name = `node_${i}`;
    });
    const found = adapterSites(graph, 'attention');
    expect(new Set(found.keys())).toEqual(new Set(named.keys()));
    for (const [node, site] of found) {
      const path = named.get(node)?.key as string;
      expect(path.endsWith(site.key.replace(/^attention\.\d+/, ''))).toBe(true);
    }
  });

  it('is nowhere in a graph without attention, and the error says so', async () => {
    const graph = { ...(await unet()), nodes: [] };
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
