/** @file One text encoder of a pipeline: a text to its outputs. */
import { withStaticShapes } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { tensorOf } from '@/trainer/graph/numbers';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { PipelineError } from '../pipeline-error';
import { finiteValues } from './finite';
import type { EncoderOutput, ReadText } from './layouts';
import { type Component, loadStatic, portNamed, valuesOf } from './static-network';
import type { PromptTokenizer } from './tokenizer';

/** A text encoder on disk, with what makes ids of a prompt for it. */
export interface TextComponent extends Component {
  tokenizer: PromptTokenizer;
  /** What is taken of it. */
  outputs: readonly EncoderOutput[];
}

const hiddenStates = /^hidden_states\.(\d+)$/;

/** The name of an output in an encoder's graph. @throws PipelineError where it has none */
export function outputNamed(graph: Graph, output: EncoderOutput): string {
  if (output !== 'penultimate') return portNamed(graph, 'outputs', output).name;
  const layers = graph.outputs.flatMap(({ name }) => hiddenStates.exec(name)?.[1] ?? []);
  if (layers.length >= 2) return `hidden_states.${layers.length - 2}`;
  throw new PipelineError(
    `${graph.source} gives ${graph.outputs.map(({ name }) => name).join(', ')}, but the denoiser attends to the hidden states before its last layer. Export it with output_hidden_states, as Optimum does for this class.`,
  );
}

export class TextNetwork {
  /** By the number of tokens. */
  readonly #sessions = new Map<number, Promise<Session>>();
  readonly #names: ReadonlyMap<EncoderOutput, string>;

  private constructor(
    private readonly engine: Engine,
    private readonly component: TextComponent,
  ) {
    const { graph, outputs } = component;
    this.#names = new Map(outputs.map((output) => [output, outputNamed(graph, output)]));
  }

  static async open(engine: Engine, component: TextComponent): Promise<TextNetwork> {
    const network = new TextNetwork(engine, component);
    await network.#session(component.tokenizer.maxLength);
    return network;
  }

  /**
   * What it says of a text. Of more rows than a prompt has, as an instruction makes them, the first
   * and the last ones are kept.
   */
  async read(text: string, instructed?: boolean): Promise<ReadText> {
    const { tokenizer, graph, folder } = this.component;
    const { ids, used } = tokenizer.read(text, instructed);
    const mask = ids.map((_, i) => Number(i < used));
    const feeds: Record<string, Tensor> = {};
    for (const [name, numbers] of Object.entries({ input_ids: ids, attention_mask: mask })) {
      const port = graph.inputs.find((input) => input.name === name);
      if (port) feeds[name] = tensorOf(port.dtype, [1, ids.length], numbers);
    }
    const session = await this.#session(ids.length);
    const given = await session.run(feeds, { fetch: [...this.#names.values()] });
    const first = ids.length - tokenizer.maxLength;
    const outputs: Record<string, Tensor<'float32'>> = {};
    for (const [output, name] of this.#names) {
      const values = await finiteValues(valuesOf(given, name), {
        engine: this.engine,
        graph: () => withStaticShapes(graph, dimsOf(graph, ids.length)),
        folder,
        feeds,
        name: 'The text encoder',
        source: graph.source,
      });
      const [, ...dims] = given[name]!.dims;
      const whole = float32(dims, values);
      outputs[output] = dims.length === 2 ? rowsKept(whole, first) : whole;
    }
    return { outputs, mask: rowsKept(float32([ids.length, 1], mask), first) };
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
  }

  #session(tokens: number): Promise<Session> {
    const known = this.#sessions.get(tokens);
    if (known) return known;
    const { engine, component } = this;
    const dims = dimsOf(component.graph, tokens);
    const session = loadStatic(engine, component, 'text encoder', dims);
    this.#sessions.set(tokens, session);
    return session;
  }
}

function dimsOf(graph: Graph, tokens: number): Record<string, readonly number[]> {
  return Object.fromEntries(graph.inputs.map(({ name }) => [name, [1, tokens]]));
}

/** [rows, width] without as many rows behind the first. */
function rowsKept(value: Tensor<'float32'>, left: number): Tensor<'float32'> {
  if (left === 0) return value;
  const [rows, width] = value.dims as [number, number];
  const kept = new Float32Array((rows - left) * width);
  kept.set(value.data.subarray(0, width));
  kept.set(value.data.subarray((left + 1) * width), width);
  return float32([rows - left, width], kept);
}
