/**
 * A network that a pipeline brings to measure diversity with, small enough to be checked by hand.
 */
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';

/**
 * The mean squared difference of two images in [−1, 1]. @param output what it calls the difference
 */
export function squaresNetwork(output: string): Uint8Array {
  const b = new Builder('lpips');
  const [one, other] = ['image_0', 'image_1'].map((name) =>
    b.input(name, 'float32', [1, 3, 32, 32]),
  );
  const difference = b.sub(one as string, other as string);
  b.output(b.reduceMean(b.mul(difference, difference), [1, 2, 3], false), output);
  const graph = b.finish();
  for (const input of graph.inputs) input.dims = ['n', 3, 'h', 'w'];
  return serializeOnnx(graph);
}
