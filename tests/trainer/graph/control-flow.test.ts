import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphOf, nodeOf } from '@/tests/support/graph-of';
import { withStaticShapes } from '@/trainer/graph/inline';
import type { Attribute, Graph, Node, Port } from '@/trainer/graph/model';
import { decode, encode, type Message } from '@/trainer/graph/onnx/messages';
import { parseOnnx } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, type Tensor } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const port = (name: string, dims: Port['dims'], dtype: Port['dtype'] = 'float32'): Port => ({
  name,
  dtype,
  dims,
});
const x = float32([2, 3], [1, -2, 3, -4, 5, -6]);

/** A graph as an attribute that holds it. */
function body(name: string, graph: Graph): Attribute {
  const whole = decode('Model', serializeOnnx(graph));
  const g = encode('Graph', whole.graph as Message);
  const lists = { floats: [], ints: [], strings: [] };
  return { kind: 'raw', value: encode('Attribute', { name, type: 5, g, ...lists }) };
}

async function run(graph: Graph): Promise<Record<string, Tensor>> {
  const session = await engine.load(serializeOnnx(graph), { name: 'flow' });
  const out = await session.run({ x });
  await session.release();
  return out;
}

/** What ONNX Runtime makes of a graph as it is, and of what became of it. */
async function expectSame(given: Graph): Promise<Graph> {
  const graph = parseOnnx(serializeOnnx(given), 'flow.onnx');
  const flat = withStaticShapes(graph, {});
  expect(await run(flat)).toEqual(await run(graph));
  return flat;
}

/** y = f(x), by the branch for as many axes as x is found to have. */
function branching(axes: number): Graph {
  const branch = (op: string) =>
    graphOf(18, [], [nodeOf(op, ['x'], ['made'])], [port('made', [2, 3])]);
  const nodes = [
    nodeOf('Shape', ['x'], ['shape']),
    nodeOf('Size', ['shape'], ['rank']),
    nodeOf('Equal', ['rank', 'axes'], ['fits']),
    nodeOf('If', ['fits'], ['y'], {
      then_branch: body('then_branch', branch('Exp')),
      else_branch: body('else_branch', branch('Neg')),
    }),
  ];
  return graphOf(18, [port('x', [2, 3])], nodes, [port('y', [2, 3])], { axes: int64([], [axes]) });
}

describe('a branch', () => {
  it.each([
    [2, 'Exp'],
    [3, 'Neg'],
  ])('that shapes decide becomes part of the graph: rank %i, %s', async (axes, op) => {
    const flat = await expectSame(branching(axes));
    expect(flat.nodes.map((node) => node.op)).toContain(op);
    expect(flat.nodes.map((node) => node.op)).not.toContain('If');
  });

  it('that a run decides is refused', () => {
    const graph = branching(2);
    graph.inputs.push(port('fits', [], 'bool'));
    graph.nodes.splice(0, 3);
    expect(() => withStaticShapes(graph, {})).toThrow(
      /test\.onnx, node "\/y\/If" \(If\) depends on a value that only a run has\. Export/,
    );
  });
});

/** v ← v·x, three times from x on, each v also given out; \`most\` where it is not three times. */
function looping(most: Tensor | undefined = int64([], [3])): Graph {
  const inside = graphOf(
    18,
    [port('i', [], 'int64'), port('on', [], 'bool'), port('v', [2, 3])],
    [
      nodeOf('Identity', ['on'], ['still']),
      nodeOf('Mul', ['v', 'x'], ['next']),
      nodeOf('Cast', ['i'], ['count'], { to: 1 }),
      nodeOf('Add', ['next', 'count'], ['shown']),
    ],
    [port('still', [], 'bool'), port('next', [2, 3]), port('shown', [2, 3])],
  );
  const loop = nodeOf('Loop', ['most', '', 'x'], ['y', 'all'], { body: body('body', inside) });
  const inputs = [port('x', [2, 3]), ...(most ? [] : [port('most', [], 'int64')])];
  const outputs = [port('y', [2, 3]), port('all', [3, 2, 3])];
  return graphOf(18, inputs, [loop], outputs, most && { most });
}

describe('a loop', () => {
  it('whose rounds are known becomes its rounds', async () => {
    const flat = await expectSame(looping());
    expect(flat.nodes.filter(({ op }) => op === 'Mul')).toHaveLength(3);
  });

  it.each([
    ['a run decides', undefined],
    ['is endless', int64([], [100_000])],
  ])('whose number of rounds %s is refused', (_, most) => {
    const graph = looping(most);
    if (!most) graph.constants.clear();
    expect(() => withStaticShapes(graph, {})).toThrow(
      /node "\/y\/Loop" \(Loop\) goes round as often as a run decides, or more than 256 times\. Export/,
    );
  });
});

it("a model's own functions become their nodes, with the attributes of the call", async () => {
  const call = nodeOf('Sloped', ['x'], ['y'], { slope: 0.5 }, 'local');
  const usual = nodeOf('Sloped', ['y'], ['z'], {}, 'local');
  const graph = graphOf(18, [port('x', [2, 3])], [call, usual], [port('z', [2, 3])]);
  graph.opsets.local = 1;
  const inner: Node = nodeOf('LeakyRelu', ['a'], ['b']);
  const model = decode('Model', serializeOnnx(graph));
  const node = (decode('Model', serializeOnnx({ ...graph, nodes: [inner] })).graph as Message)
    .nodes as Message[];
  const alpha = { name: 'alpha', type: 1, refersTo: 'slope', floats: [], ints: [], strings: [] };
  const slope = { name: 'slope', type: 1, f: 0.25, floats: [], ints: [], strings: [] };
  const functions = [
    {
      name: 'Sloped',
      domain: 'local',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [{ ...node[0], attributes: [alpha] }],
      opsets: [{ domain: '', version: 18 }],
      defaults: [slope],
    },
  ];
  const bytes = Buffer.concat([encode('Model', model), encode('Functions', { functions })]);
  const read = parseOnnx(bytes, 'local.onnx');
  const flat = withStaticShapes(read, {});
  expect(flat.nodes.filter(({ op }) => op === 'LeakyRelu')).toHaveLength(2);
  const { z } = await run(read);
  expect(z!.data).toEqual(Float32Array.of(1, -0.25, 3, -0.5, 5, -0.75));
  expect((await run(flat)).z).toEqual(z);
});

it('what is stored sparsely is a tensor like any other', async () => {
  const constant = (name: string, value: Attribute) => nodeOf('Constant', [], [name], { value });
  const graph = graphOf(
    18,
    [port('x', [2, 3])],
    [
      constant('held', { kind: 'tensor', value: float32([1], [0]) }),
      nodeOf('Sum', ['x', 'held', 'weight'], ['y']),
    ],
    [port('y', [2, 3])],
    { weight: float32([1], [0]) },
  );
  const model = decode('Model', serializeOnnx(graph));
  const message = model.graph as Message;
  const stored = (name: string, value: Tensor) => {
    const whole = graphOf(18, [], [], [], { [name]: value });
    const { initializers } = decode('Model', serializeOnnx(whole)).graph as Message;
    return (initializers as Message[])[0]!;
  };
  const values = float32([2], [10, 20]);
  const flat = { values: stored('weight', values), indices: stored('i', int64([2], [1, 5])) };
  const full = {
    values: stored('', values),
    indices: stored('i', int64([2, 2], [0, 0, 1, 2])),
  };
  message.initializers = [];
  message.sparse = [{ ...flat, dims: [2, 3] }];
  const [node] = message.nodes as Message[];
  const lists = { floats: [], ints: [], strings: [] };
  const sparse = { ...full, dims: [2, 3] };
  node!.attributes = [{ name: 'sparse_value', type: 11, sparse, ...lists }];
  const read = parseOnnx(encode('Model', model), 'sparse.onnx');
  expect(read.constants.get('weight')).toEqual(float32([2, 3], [0, 10, 0, 0, 0, 20]));
  const { y } = await run(read);
  expect(y!.data).toEqual(Float32Array.of(11, 8, 3, -4, 5, 34));
});
