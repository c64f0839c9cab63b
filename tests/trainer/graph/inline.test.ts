import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import { inline, withStaticShapes } from '@/trainer/graph/inline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { goldenFolder } from '../../support/golden';

const unet = join(goldenFolder, 'tiny-sd/unet/model.onnx');
const shapes = { sample: [2, 4, 8, 8], timestep: [], encoder_hidden_states: [2, 77, 32] };

describe('making shapes static', () => {
  it('folds all shape arithmetic of a UNet away', async () => {
    const graph = withStaticShapes(await readOnnxFile(unet), shapes);
    const left = new Set(graph.nodes.map((node) => node.op));
    for (const op of ['Shape', 'Gather', 'Constant', 'ConstantOfShape', 'Identity', 'Range']) {
      expect(left, op).not.toContain(op);
    }
    expect(graph.inputs.map((port) => port.dims)).toEqual(Object.values(shapes));
  });

  it('names the input and axis that has no number yet', async () => {
    const graph = await readOnnxFile(unet);
    expect(() => withStaticShapes(graph, { timestep: [] })).toThrow(/input "sample".*axis 0/);
  });

  it('names the input that is fed the wrong shape', async () => {
    const graph = await readOnnxFile(unet);
    const wrong = { ...shapes, encoder_hidden_states: [2, 77, 31] };
    expect(() => withStaticShapes(graph, wrong)).toThrow(
      /unet\/model\.onnx: input "encoder_hidden_states" takes float32 .* is fed float32 \[2,77,31\]/,
    );
  });

  it('names file, node, operator and shapes when shapes do not fit inside', async () => {
    const graph = await readOnnxFile(unet);
    // 7 pixels a side do not halve and double back to 7: the skip connection cannot be joined.
    expect(() => withStaticShapes(graph, { ...shapes, sample: [2, 4, 7, 7] })).toThrow(
      /unet\/model\.onnx, node ".*up_blocks.*" \(Concat\).*input shapes are/,
    );
  });

  it('inlines a graph twice without the copies meeting', async () => {
    const graph = await readOnnxFile(join(goldenFolder, 'ops/silu.onnx'));
    const b = new Builder('twice');
    const x = b.input('x', 'float32', graph.inputs[0]?.dims as number[]);
    const once = inline(b, graph, { feeds: { x0: x } }).y as string;
    const twice = inline(b, graph, { feeds: { x0: once } }).y as string;
    b.output(twice, 'result');
    expect(b.finish().nodes.filter((node) => node.op === 'Sigmoid')).toHaveLength(2);
  });
});
