/** Tiny models for the runtime's tests. */
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';

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

/** Three normalizations of one input that differ in their epsilon alone. */
export function twoEpsilonsModel(): Uint8Array {
  const epsilons = [1e-5, 1e-6, 1e-2];
  const port = (name: string) => ({ name, dtype: 'float32' as const, dims: [1, 2, 4] });
  return serializeOnnx({
    name: 'normalizations',
    source: 'normalizations',
    irVersion: 8,
    opsets: { '': 18 },
    inputs: [port('x')],
    outputs: epsilons.map((_, i) => port(`y${i}`)),
    nodes: epsilons.map((epsilon, i) => ({
      name: `normalization${i}`,
      op: 'InstanceNormalization',
      domain: '',
      inputs: ['x', 'ones', 'zeros'],
      outputs: [`y${i}`],
      attributes: { epsilon: { kind: 'float', value: epsilon } },
    })),
    constants: new Map([
      ['ones', float32([2], [1, 1])],
      ['zeros', float32([2], [0, 0])],
    ]),
  });
}

/** `y = x + w` with `w` in 16 bytes of the file `weights`, from byte `offset` on. */
export function externalModel(offset: number): Uint8Array {
  const port = (name: string) => ({ name, dtype: 'float32' as const, dims: [4] });
  return serializeOnnx({
    name: 'external',
    source: 'external',
    irVersion: 8,
    opsets: { '': 18 },
    inputs: [port('x')],
    outputs: [port('y')],
    nodes: [
      { name: 'add', op: 'Add', domain: '', inputs: ['x', 'w'], outputs: ['y'], attributes: {} },
    ],
    constants: new Map([
      ['w', { dtype: 'float32', dims: [4], external: { location: 'weights', offset, length: 16 } }],
    ]),
  });
}
