import { afterAll, beforeAll, expect, it } from 'vitest';
import { graphOf } from '@/tests/support/graph-of';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder } from '@/trainer/graph/builder';
import { inline, withStaticShapes } from '@/trainer/graph/inline';
import { coreOpset, type Graph, type Node } from '@/trainer/graph/model';
import { parseOnnx } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { type Form, forms, newest, wave } from './forms';
import { fusedForms, refusals, refusedConstants } from './fused-forms';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

type Shaped = Omit<Form, 'opsets'>;

/** All forms in one graph, each from its own `x` to its own `y`. */
function together(opset: number, given: readonly Shaped[]): Graph {
  const named = (name: string, i: number) => (name ? `${name}_${i}` : '');
  const nodes = given.flatMap(({ nodes }, i) =>
    nodes.map(
      (node): Node => ({
        ...node,
        name: `${i}${node.name}`,
        inputs: node.inputs.map((name) => named(name, i)),
        outputs: node.outputs.map((name) => named(name, i)),
      }),
    ),
  );
  const constants = given.flatMap(({ constants = {} }, i) =>
    Object.entries(constants).map(([name, value]): [string, Tensor] => [named(name, i), value]),
  );
  const inputs = given.map(({ dims }, i) => ({ name: `x_${i}`, dtype: 'float32' as const, dims }));
  const outputs = given.map((_, i) => `y_${i}`);
  const graph = graphOf(opset, inputs, nodes, outputs, Object.fromEntries(constants));
  graph.outputs = withStaticShapes(graph, {}).outputs;
  return parseOnnx(serializeOnnx(graph), `opset ${opset}`);
}

const feedsOf = (given: readonly Shaped[], shift: number): Record<string, Tensor> =>
  Object.fromEntries(
    given.map(({ dims }, i) => {
      const [point, direction] = [wave(dims, 1), wave(dims, 2)];
      return [
        `x_${i}`,
        float32(
          dims,
          point.data.map((x, j) => x + shift * direction.data[j]!),
        ),
      ];
    }),
  );

/** The graph with Σ w∘y of each form, and its slope along the form's direction. */
function differentiated(graph: Graph, given: readonly Shaped[]): Graph {
  const b = new Builder('differentiated');
  const feeds = Object.fromEntries(
    given.map(({ dims }, i) => [`x_${i}`, b.input(`x_${i}`, 'float32', dims)]),
  );
  const outputs = inline(b, graph, { feeds });
  given.forEach(({ dims }, i) => {
    const y = outputs[`y_${i}`]!;
    b.output(y, `y_${i}`);
    const axes = b.dims(y).map((_, axis) => axis);
    const loss = b.reduceSum(b.mul(y, b.tensor(wave(b.dims(y), 3))), axes, false);
    b.output(loss, `loss_${i}`);
    const [gradient] = gradients(b, { of: loss, wrt: [`x_${i}`] });
    const along = b.mul(gradient!, b.tensor(wave(dims, 2)));
    b.output(b.reduceSum(b.reshape(along, [sizeOf(dims)]), [0], false), `slope_${i}`);
  });
  return b.finish();
}

const opsets = Array.from({ length: 16 }, (_, i) => 11 + i);

/** Runs `asGiven` as it is and `read` in the core's words: values and slopes must be equal. */
async function expectSame(asGiven: Graph, read: Graph, given: readonly Shaped[]): Promise<void> {
  const { source } = read;
  const whole = await engine.load(serializeOnnx(asGiven), { name: source });
  const wanted = await whole.run(feedsOf(given, 0));
  await whole.release();
  const built = differentiated(read, given);
  expect(built.opsets).toEqual({ '': coreOpset });
  const session = await engine.load(serializeOnnx(built), { name: 'translated' });
  const h = 4e-3;
  const [here, ahead, behind] = [
    await session.run(feedsOf(given, 0)),
    await session.run(feedsOf(given, h)),
    await session.run(feedsOf(given, -h)),
  ];
  await session.release();
  given.forEach(({ name }, i) => {
    const values = (out: typeof here, key: string) => outputOf(out, `${key}_${i}`, 'float32').data;
    const [got, right] = [values(here, 'y'), values(wanted, 'y')];
    expect(got.length, name).toBe(right.length);
    const worst = Math.max(...got.map((value, j) => Math.abs(value - right[j]!)));
    expect(worst, `${name}, ${source}`).toBeLessThan(2e-5);
    const measured = (values(ahead, 'loss')[0]! - values(behind, 'loss')[0]!) / (2 * h);
    const error = Math.abs(values(here, 'slope')[0]! - measured) / (Math.abs(measured) + 0.1);
    expect(error, `slope of ${name}, ${source}`).toBeLessThan(2e-2);
  });
}

it.each(opsets)('a graph of opset %i says the same in the forms of 18', async (opset) => {
  const given = forms.filter(({ opsets: [first, last] }) => first <= opset && opset <= last);
  const graph = together(opset, given);
  await expectSame(graph, graph, given);
});

it("ONNX Runtime's own operators say the same in standard ones", async () => {
  const known = fusedForms.filter(({ meaning }) => !meaning);
  const graph = together(coreOpset, known);
  await expectSame(graph, graph, known);
  const told = fusedForms.filter(({ meaning }) => meaning);
  const meant = told.map((form) => ({ ...form, nodes: form.meaning! }));
  await expectSame(together(newest, meant), together(coreOpset, told), told);
});

it.each(refusals)('%s is refused', (_, node, words) => {
  const x = { name: 'x', dtype: 'float32' as const, dims: [2, 3] };
  const graph = graphOf(coreOpset, [x], [node], ['y'], refusedConstants);
  expect(() => withStaticShapes(graph, {})).toThrow(words);
});

it.each([10, 27])('opset %i is refused', (opset) => {
  const graph = together(coreOpset, [forms[0]!]);
  graph.opsets[''] = opset;
  expect(() => parseOnnx(serializeOnnx(graph), 'old.onnx')).toThrow(
    `old.onnx is written in opset ${opset}; opsets 11 to 26 are read. Export it with opset 18.`,
  );
});
