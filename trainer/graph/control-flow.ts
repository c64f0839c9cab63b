/**
 * @file Branches and loops whose course is known once shapes are: exporters write them around shape
 * arithmetic. The branch taken, or the rounds of the loop, become part of the graph.
 */
import type { Builder, Value } from './builder';
import { type Graph, GraphError, type Node, place } from './model';
import { numbersOf, tensorOf } from './numbers';
import { subgraphOf } from './onnx/read';

type Scope = Map<string, Value>;
type Append = (body: Pick<Graph, 'nodes'>, scope: Scope) => void;
type Around = Pick<Graph, 'source' | 'opsets'>;

/** More rounds than any exporter's loop over shapes has. */
const mostRounds = 256;

/** Appends the branch of an If that is taken. @throws GraphError where that depends on a run */
export function appendBranch(
  b: Builder,
  graph: Around,
  node: Node,
  names: Scope,
  append: Append,
): Value[] {
  const condition = b.constantOf(node.inputs[0]!);
  if (!condition) {
    throw new GraphError(
      `${place(graph, node)} depends on a value that only a run has. Export the model without branches (traced, not scripted).`,
    );
  }
  const taken = numbersOf(condition)[0] ? 'then_branch' : 'else_branch';
  const body = subgraphOf(graph, node, taken);
  const scope = withConstants(b, body, names);
  append(body, scope);
  return body.outputs.map(({ name }) => scope.get(name) as Value);
}

/**
 * Appends a Loop round by round: its inputs are the number of rounds, whether to go on, and what is
 * carried along; its outputs what was carried, and what each round gave, stacked.
 * @throws GraphError where a run decides how often
 */
export function appendLoop(
  b: Builder,
  graph: Around,
  node: Node,
  names: Scope,
  append: Append,
): Value[] {
  const [most = '', goOn = '', ...first] = node.inputs;
  const unknown = (): never => {
    throw new GraphError(
      `${place(graph, node)} goes round as often as a run decides, or more than ${mostRounds} times. Export the model without loops (traced, not scripted).`,
    );
  };
  const known = (value: Value): number => {
    const constant = b.constantOf(value);
    return constant ? numbersOf(constant)[0]! : unknown();
  };
  const rounds = most ? known(most) : Number.POSITIVE_INFINITY;
  const body = subgraphOf(graph, node, 'body');
  const given: Value[][] = [];
  let carried = first;
  let going = goOn ? known(goOn) !== 0 : true;
  for (let round = 0; going && round < rounds; round++) {
    if (round === mostRounds) unknown();
    const scope = withConstants(b, body, names);
    const turn = [b.tensor(tensorOf('int64', [], [round])), b.scalar(1, 'bool'), ...carried];
    for (const [i, { name }] of body.inputs.entries()) scope.set(name, turn[i]!);
    append(body, scope);
    const [next, ...results] = body.outputs.map(({ name }) => scope.get(name) as Value);
    going = known(next!) !== 0;
    carried = results.slice(0, first.length);
    given.push(results.slice(first.length));
  }
  const stacks = body.outputs.slice(first.length + 1).map((_, i) => {
    if (given.length === 0) return unknown();
    const rows = given.map((results) => b.op('Unsqueeze', [results[i]!, b.ints([0])]));
    return b.concat(rows, 0);
  });
  return [...carried, ...stacks];
}

/** The names around a body, and the constants that it brings. */
function withConstants(b: Builder, body: Graph, names: Scope): Scope {
  const scope = new Map(names);
  for (const [name, constant] of body.constants) {
    scope.set(name, b.constant(b.has(name) ? b.fresh(name) : name, constant));
  }
  return scope;
}
