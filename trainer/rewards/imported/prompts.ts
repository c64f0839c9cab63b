/**
 * @file How prompts enter an imported reward model: as embeddings of a text tower, as tokens, or
 * not at all.
 */
import { join } from 'node:path';
import type { PromptMeasure } from '@/lib/text/prompt-cuts';
import type { Builder, Value } from '@/trainer/graph/builder';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { formatDims, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { expectOnly, portOf } from '../graphs';
import { type Layout, layoutOf } from './layouts';
import type { Manifest } from './manifest';
import { TextTower, tokenFeeds, tokenNames } from './text-tower';
import { openTokens, type PromptTokens } from './tokens';

export interface Prompts {
  /** Declares as inputs of `b` what is fed for `n` images. */
  declare(b: Builder, n: number): DeclaredPrompts;
  /** Feeds of those inputs, one prompt per image. */
  feeds(prompts: readonly string[]): Promise<Record<string, Tensor>>;
  /** How much of a prompt gets in; undefined where none does. */
  measure?: PromptMeasure;
  release(): Promise<void>;
}

interface DeclaredPrompts {
  /** By input name of the graph that sees the image. */
  feeds: Record<string, Value>;
  /** [n, width], where the prompt is compared outside of that graph. */
  embedding?: Value;
}

const none: Prompts = {
  declare: () => ({ feeds: {} }),
  feeds: async () => ({}),
  release: async () => {},
};

/** @throws where the graph that sees the image takes something else than `image` and the prompt */
export async function openPrompts(
  engine: Engine,
  folder: string,
  manifest: Manifest,
  model: Graph,
  image: string,
): Promise<Prompts> {
  const { text } = manifest;
  if (!text) {
    expectOnly(model, [image]);
    return none;
  }
  const defaults: Layout['tokens'] = layoutOf(manifest.layout).tokens;
  const kind = text.tokenizer ?? defaults.tokenizer;
  const length = text.length ?? defaults.length;
  const opened = await openTokens(kind, join(folder, text.folder), length);
  const tokens = defaults.clean ? cleaned(opened, defaults.clean) : opened;
  if (!text.file) return tokenPrompts(model, text, tokens, image);
  expectOnly(model, [image, ...(text.into ? [text.into] : [])]);
  const tower = await TextTower.open(engine, join(folder, text.file), text, tokens);
  return towerPrompts(model, tower, text.into);
}

function cleaned(tokens: PromptTokens, clean: (prompt: string) => string): PromptTokens {
  return { ...tokens, encode: (prompt) => tokens.encode(clean(prompt)) };
}

/**
 * Names of the declared inputs begin so: a graph of several networks has many a value called
 * "input_ids".
 */
const inputName = (name: string) => `reward_${name}`;

function tokenPrompts(
  model: Graph,
  text: NonNullable<Manifest['text']>,
  tokens: PromptTokens,
  image: string,
): Prompts {
  const names = tokenNames(model, text, tokens);
  expectOnly(model, [image, ...Object.values(names)]);
  return {
    measure: tokens,
    declare: (b, n) => ({
      feeds: Object.fromEntries(
        Object.values(names).map((name) => [
          name,
          b.input(inputName(name), portOf(model, 'inputs', name).dtype, [n, tokens.length]),
        ]),
      ),
    }),
    feeds: async (prompts) =>
      Object.fromEntries(
        Object.entries(tokenFeeds(model, names, tokens, prompts)).map(([name, rows]) => [
          inputName(name),
          rows,
        ]),
      ),
    release: async () => {},
  };
}

function towerPrompts(model: Graph, tower: TextTower, into: string | undefined): Prompts {
  const port = into === undefined ? undefined : portOf(model, 'inputs', into);
  const width = port?.dims[1];
  if (port && (port.dims.length !== 2 || (typeof width === 'number' && width !== tower.width))) {
    throw new GraphError(
      `${model.source}: "${into}" has shape ${formatDims(port.dims)}, but the text tower gives [n,${tower.width}]. Export both from one checkpoint.`,
    );
  }
  const name = inputName('text_embedding');
  return {
    measure: tower.measure,
    declare(b, n) {
      const embedding = b.input(name, 'float32', [n, tower.width]);
      return into === undefined ? { feeds: {}, embedding } : { feeds: { [into]: embedding } };
    },
    feeds: async (prompts) => ({ [name]: await tower.embed(prompts) }),
    release: () => tower.release(),
  };
}
