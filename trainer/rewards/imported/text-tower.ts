/** @file The text tower of a reward model: prompts to embeddings, each computed once. */
import type { PromptMeasure } from '@/lib/text/prompt-cuts';
import { valuesOf } from '@/trainer/diffusion/pipelines/static-network';
import { type Graph, GraphError, isExternal } from '@/trainer/graph/model';
import { openGraphFile } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, float32, formatDims, type Tensor } from '@/trainer/graph/tensor';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { expectOnly, portOf } from '../graphs';
import type { Manifest } from './manifest';
import { type PromptTokens, tokenTensor } from './tokens';

type TextManifest = NonNullable<Manifest['text']>;

const mostKept = 4096;

/** Embeddings of prompts by a graph of their own, kept: prompts repeat. */
export class TextTower {
  readonly #known = new Map<string, Float32Array>();
  #width = 0;

  private constructor(
    private readonly session: Session,
    private readonly graph: Graph,
    private readonly tokens: PromptTokens,
    private readonly names: TokenNames,
    private readonly output: string,
  ) {}

  static async open(
    engine: Engine,
    path: string,
    text: TextManifest,
    tokens: PromptTokens,
  ): Promise<TextTower> {
    const { graph, folder } = await openGraphFile(path);
    const names = tokenNames(graph, text, tokens);
    expectOnly(graph, Object.values(names));
    const output = portOf(graph, 'outputs', text.output, 'text_embeds').name;
    // Without its weights a graph is small; with them it is read from its file once more.
    const small = [...graph.constants.values()].some(isExternal);
    const session = await engine.load(small ? serializeOnnx(graph) : { path }, {
      name: 'text tower',
      externalDataFolder: folder,
    });
    // The session has the weights; here they would only fill memory.
    const ports = { ...graph, nodes: [], constants: new Map() };
    const tower = new TextTower(session, ports, tokens, names, output);
    tower.#width = (await tower.#embedding('')).length;
    return tower;
  }

  /** Numbers in an embedding. */
  get width(): number {
    return this.#width;
  }

  get measure(): PromptMeasure {
    return this.tokens;
  }

  /** Embeddings [prompts, width]. */
  async embed(prompts: readonly string[]): Promise<Tensor<'float32'>> {
    const rows: Float32Array[] = [];
    for (const prompt of prompts) rows.push(await this.#embedding(prompt));
    return float32([prompts.length, this.#width], concatenated(rows));
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  async #embedding(prompt: string): Promise<Float32Array> {
    const known = this.#known.get(prompt);
    if (known) return known;
    const embedding = await this.#run(prompt);
    if (this.#known.size >= mostKept) this.#known.clear();
    this.#known.set(prompt, embedding);
    return embedding;
  }

  async #run(prompt: string): Promise<Float32Array> {
    const { session, graph, names, tokens, output } = this;
    const feeds = tokenFeeds(graph, names, tokens, [prompt]);
    return valuesOf(await session.run(feeds, { fetch: [output] }), output);
  }
}

/** The inputs of a graph that take token ids and their mask. */
export interface TokenNames {
  ids: string;
  mask?: string;
}

/** @throws GraphError where an input for tokens is missing or takes another number of them */
export function tokenNames(graph: Graph, text: TextManifest, tokens: PromptTokens): TokenNames {
  const mask = text.mask ?? graph.inputs.find((port) => port.name === 'attention_mask')?.name;
  const names = { ids: text.ids, ...(mask && { mask }) };
  for (const name of Object.values(names)) {
    const port = portOf(graph, 'inputs', name);
    const length = port.dims[1];
    if (port.dims.length === 2 && (typeof length === 'string' || length === tokens.length))
      continue;
    throw new GraphError(
      `${graph.source}: "${name}" has shape ${formatDims(port.dims)}, but prompts are [n,${tokens.length}] tokens. Correct text.length in reward.json, or export the model with that length.`,
    );
  }
  return names;
}

/** Feeds of a graph's token inputs. */
export function tokenFeeds(
  graph: Graph,
  names: TokenNames,
  tokens: PromptTokens,
  prompts: readonly string[],
): Record<string, Tensor> {
  const encoded = prompts.map((prompt) => tokens.encode(prompt));
  const rows = (name: string, of: (row: { ids: number[]; mask: number[] }) => number[]) => ({
    [name]: tokenTensor(portOf(graph, 'inputs', name).dtype, encoded.map(of)),
  });
  return {
    ...rows(names.ids, ({ ids }) => ids),
    ...(names.mask && rows(names.mask, ({ mask }) => mask)),
  };
}
