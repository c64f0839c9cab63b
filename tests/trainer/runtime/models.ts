/** Tiny models for the runtime's tests. */
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';

/** `y = a + b`, both of shape [4] or, with a symbol, [n]. */
export function addModel(dim: number | string = 4): Uint8Array {
  const port = (name: string) => ({ name, dtype: 'float32' as const, dims: [dim] });
  const graph: Graph = {
    name: 'add',
    source: 'add',
    irVersion: 8,
    opsets: { '': 18 },
    inputs: [port('a'), port('b')],
    outputs: [port('y')],
    nodes: [
      { name: 'add', op: 'Add', domain: '', inputs: ['a', 'b'], outputs: ['y'], attributes: {} },
    ],
    constants: new Map(),
  };
  return serializeOnnx(graph);
}

/** `y = x · x · … · x` for square matrices: takes a while. */
export function slowModel(size: number, products: number): Uint8Array {
  const port = (name: string) => ({ name, dtype: 'float32' as const, dims: [size, size] });
  const graph: Graph = {
    name: 'slow',
    source: 'slow',
    irVersion: 8,
    opsets: { '': 18 },
    inputs: [port('x')],
    outputs: [port(`y${products}`)],
    nodes: Array.from({ length: products }, (_, i) => ({
      name: `product${i}`,
      op: 'MatMul',
      domain: '',
      inputs: [i === 0 ? 'x' : `y${i}`, 'x'],
      outputs: [`y${i + 1}`],
      attributes: {},
    })),
    constants: new Map(),
  };
  return serializeOnnx(graph);
}
