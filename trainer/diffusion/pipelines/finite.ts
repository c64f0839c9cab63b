/**
 * @file Whether a network gave numbers, and numbers that depend on what it was given. Where it did
 * not, it is run once more with a witness of every inner tensor as output, so that an error names
 * the node that began it, before anybody is shown what became of it.
 */
import { Builder, type Value } from '@/trainer/graph/builder';
import { toFloat32 } from '@/trainer/graph/float16';
import { inline } from '@/trainer/graph/inline';
import type { Graph, Node } from '@/trainer/graph/model';
import { tensorOf } from '@/trainer/graph/numbers';
import { loadConstant } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { type Dtype, sizeOf } from '@/trainer/graph/tensor';
import { type Engine, type Feeds, outputOf } from '@/trainer/runtime/engine';
import { PipelineError } from '../pipeline-error';

/** A run of a network, to be repeated if it went wrong. */
export interface NetworkRun {
  engine: Engine;
  /** The graph as it was loaded, its shapes static. */
  graph: () => Graph;
  /** Where its external data lies. */
  folder: string;
  feeds: Feeds;
  /** What it is, and where it comes from, as an error calls it. */
  name: string;
  source: string;
}

const floats = new Set<Dtype>(['float32', 'float16', 'bfloat16', 'float64']);

/** Whether no value is NaN or infinite. */
export function isFiniteThroughout(values: Float32Array): boolean {
  // x − x is 0 for numbers, and NaN for the others.
  let sum = 0;
  for (const value of values) sum += value - value;
  return sum === 0;
}

/**
 * Passes the values on. @throws PipelineError where they are not all numbers, naming the node that
 * began it
 */
export async function finiteValues(values: Float32Array, run: NetworkRun): Promise<Float32Array> {
  if (isFiniteThroughout(values)) return values;
  const wrong = values.find((value) => !Number.isFinite(value)) as number;
  const what = Number.isNaN(wrong) ? 'NaN (no number)' : 'infinity';
  throw new PipelineError(
    `${run.name} of ${run.source} gave ${what}. ${await origin(run).catch(unknownOrigin)}`,
  );
}

const unknownOrigin = (thrown: Error) =>
  `Where it began could not be found (${thrown.message}). Export the pipeline again, in float32.`;

/** Where it began and what helps, as sentences. */
async function origin(run: NetworkRun): Promise<string> {
  const { probe, watched } = witnesses(run.graph());
  const { engine, folder: externalDataFolder } = run;
  const session = await engine.load(serializeOnnx(probe), {
    name: `${run.name}, node by node`,
    externalDataFolder,
  });
  const found = outputOf(await session.run(run.feeds), 'witnesses', 'float32').data;
  await session.release();
  const first = watched[found.findIndex((value) => !Number.isFinite(value))];
  if (!first) {
    return `Run again, node by node, it gave numbers: ${engine.device} merges nodes, and it is the merged ones that fail. Take another device (DARKROOM_DEVICE), or export the network in float32.`;
  }
  if (typeof first === 'string') {
    return `It was given some already, as "${first}". Start a new round with a smaller guidance scale, or serve another policy.`;
  }
  const node = `node "${first.name || first.outputs[0]}" (${first.op})`;
  const weight = await brokenWeight(first, { ...probe, dataFolder: run.folder });
  if (weight) {
    return `It began at ${node}, whose weight "${weight}" is no number itself. Download or export the file again; where a trained policy brought it, serve another.`;
  }
  return `It began at ${node}: what entered it were numbers. Export this network again, and compare what it gives with the original.`;
}

/**
 * A graph of the same inputs whose one output holds, for each of `watched` in the order of
 * computation, 0 if all its values are numbers, else NaN. Watched are the inputs, by name, and the
 * nodes.
 */
function witnesses(graph: Graph): { probe: Graph; watched: (string | Node)[] } {
  const b = new Builder('witnesses');
  const watched: (string | Node)[] = [];
  const values: Value[] = [];
  const watch = (what: string | Node, value: Value) => {
    if (!floats.has(b.dtype(value))) return;
    watched.push(what);
    values.push(value);
  };
  const feeds: Record<string, Value> = {};
  for (const { name, dtype, dims } of graph.inputs) {
    feeds[name] = b.input(name, dtype, dims as number[]);
    watch(name, feeds[name]);
  }
  inline(b, graph, {
    feeds,
    onNode: (_, node, outputs, inputs) => {
      // A folded constant is no output of a node; its own file is looked at where it enters one.
      for (const value of outputs)
        if (value && b.producer(value)) watch({ ...node, inputs }, value);
      return outputs;
    },
  });
  const found = values.map((value) => {
    const x = b.cast(value, 'float32');
    return b.reshape(b.op('ReduceSum', [b.sub(x, x)], { keepdims: 0 }), [1]);
  });
  b.output(b.concat(found, 0), 'witnesses');
  return { probe: b.finish(), watched };
}

/** The constant among a node's inputs that holds something else than numbers. */
async function brokenWeight(node: Node, graph: Graph): Promise<string | undefined> {
  for (const name of node.inputs) {
    const constant = graph.constants.get(name);
    if (!constant || !floats.has(constant.dtype)) continue;
    const tensor = await loadConstant(constant, graph, name);
    if (!isFiniteThroughout(toFloat32(tensor))) return name;
  }
  return undefined;
}

/**
 * Says at which node two inputs became one, as a sentence: of all nodes that were given different
 * things and gave the same, the one nearest to the output. For a network whose output was found to
 * be the same for both. @param others the second inputs
 */
export async function lostDifference(run: NetworkRun, others: Feeds): Promise<string> {
  const graph = run.graph();
  const b = new Builder('differences');
  const sides = ['', 'other '].map((prefix) => {
    const given = new Map<string, Value>();
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name, dtype, dims }) => [
        name,
        b.input(prefix + name, dtype, dims as number[]),
      ]),
    );
    for (const [name, value] of Object.entries(feeds)) given.set(name, value);
    inline(b, graph, {
      feeds,
      prefix,
      shareConstants: true,
      onNode: (_, node, outputs) => {
        for (const [i, name] of node.outputs.entries()) if (name) given.set(name, outputs[i]!);
        return outputs;
      },
    });
    return given;
  });
  const [one, other] = sides as [Map<string, Value>, Map<string, Value>];
  const compared = [...one.keys()].filter((name) => one.get(name) !== other.get(name));
  const equal = compared.map((name) => {
    const same = b.op('Equal', [one.get(name)!, other.get(name)!]);
    return b.reshape(b.op('ReduceMin', [b.cast(same, 'int32')], { keepdims: 0 }), [1]);
  });
  b.output(b.concat(equal, 0), 'same');
  const session = await run.engine.load(serializeOnnx(b.finish()), {
    name: `${run.name}, twice`,
    externalDataFolder: run.folder,
  });
  const renamed = Object.entries(others).map(([name, value]) => [`other ${name}`, value]);
  const out = await session.run({ ...run.feeds, ...Object.fromEntries(renamed) });
  await session.release();
  const same = new Map(compared.map((name, i) => [name, out.same!.data[i] === 1]));
  const differs = (name: string) => same.get(name) === false;
  const lost = nearest(graph, (node) => node.inputs.some(differs) && !node.outputs.some(differs));
  if (!lost) return 'No node of it takes what it is given.';
  return `What differs in them is lost at node "${lost.name || lost.outputs[0]}" (${lost.op}).`;
}

/** The node that holds the condition with the fewest nodes between it and an output. */
function nearest(graph: Graph, holds: (node: Node) => boolean): Node | undefined {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const seen = new Set<Node>();
  let names = graph.outputs.map(({ name }) => name);
  while (names.length > 0) {
    const nodes = names.flatMap((name) => makers.get(name) ?? []).filter((node) => !seen.has(node));
    const found = nodes.find(holds);
    if (found) return found;
    for (const node of nodes) seen.add(node);
    names = nodes.flatMap(({ inputs }) => inputs);
  }
  return undefined;
}

/** Inputs of these shapes, drawn: numbers and tokens by `seed`, masks of ones, a time halfway. */
export function drawnFeeds(graph: Graph, seed: number): Feeds {
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => {
      const size = sizeOf(dims as number[]);
      const values = Array.from({ length: size }, (_, i) => {
        if (dims.length < 2) return 500;
        if (name.includes('mask')) return 1;
        const wave = Math.sin(2.4 * i + seed);
        return floats.has(dtype) ? 2 * wave : Math.floor(100 * (wave + 1));
      });
      return [name, tensorOf(dtype, dims as number[], values)];
    }),
  );
}
