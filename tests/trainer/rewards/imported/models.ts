/**
 * Reward models of a few hundred weights in the layouts of the field's, and their scores in plain
 * numbers.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder } from '@/trainer/graph/builder';
import type { Constant, Graph } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { bytesOf, float32, sizeOf } from '@/trainer/graph/tensor';
import { buildTokenizer, PROMPT_TOKENS, writeTokenizer } from '@/trainer/hands/tokenizer';

/** Pixels that the models take. */
export const size = 8;
export const width = 6;
export const tokenLength = PROMPT_TOKENS;

const vocabulary = Object.keys(buildTokenizer().vocabulary).length;
const pixels = 3 * size * size;

const weights = (name: string, length: number, scale: number) =>
  gaussianNoise(name, length).map((value) => value * scale);
export const imageWeights = weights('image', pixels * width, 0.05);
export const tokenWeights = weights('tokens', vocabulary * width, 0.5);
export const headWeights = weights('head', width, 3);

/** What the first axis was built with becomes symbolic, as exporters leave it. */
function openBatch(graph: Graph): Graph {
  for (const port of [...graph.inputs, ...graph.outputs]) {
    port.dims = ['batch_size', ...port.dims.slice(1)];
  }
  return graph;
}

function embedding(b: Builder): string {
  const image = b.input('pixel_values', 'float32', [1, 3, size, size]);
  const matrix = b.constant('image.weight', float32([pixels, width], imageWeights));
  return b.op('Tanh', [b.op('MatMul', [b.op('Flatten', [image], { axis: 1 }), matrix])]);
}

/** Sum of the embeddings of tokens that are not padding. */
function prompt(b: Builder): string {
  const ids = b.input('input_ids', 'int64', [1, tokenLength]);
  const mask = b.input('attention_mask', 'int64', [1, tokenLength]);
  const table = b.constant('token.weight', float32([vocabulary, width], tokenWeights));
  const counted = b.op('Cast', [mask], { to: dtypeNumber('float32') });
  const masked = b.mul(b.op('Gather', [table, ids]), b.op('Unsqueeze', [counted, b.ints([2])]));
  return b.reduceSum(masked, [1], false);
}

export function imageTower(): Graph {
  const b = new Builder('image');
  b.output(embedding(b), 'image_embeds');
  return openBatch(b.finish());
}

export function textTower(): Graph {
  const b = new Builder('text');
  b.output(prompt(b), 'text_embeds');
  return openBatch(b.finish());
}

export function head(): Graph {
  const b = new Builder('head');
  const x = b.input('embedding', 'float32', [1, width]);
  const matrix = b.constant('head.weight', float32([width, 1], headWeights));
  b.output(b.add(b.matmul(x, matrix), b.scalar(5)), 'score');
  return openBatch(b.finish());
}

/** Image and tokens in one graph, the score [n, 1]. */
export function crossModel(): Graph {
  const b = new Builder('cross');
  b.output(b.reduceSum(b.mul(embedding(b), prompt(b)), [1]), 'reward');
  return openBatch(b.finish());
}

/** The same graph with every constant of more than `limit` elements in a file beside it. */
export async function writeExternal(path: string, graph: Graph, limit = 16): Promise<void> {
  const data: Uint8Array[] = [];
  let offset = 0;
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) {
    if ('external' in constant || sizeOf(constant.dims) <= limit) {
      constants.set(name, constant);
      continue;
    }
    const bytes = bytesOf(constant);
    const { dtype, dims } = constant;
    constants.set(name, {
      dtype,
      dims,
      external: { location: 'model.onnx_data', offset, length: bytes.byteLength },
    });
    data.push(bytes);
    offset += bytes.byteLength;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(join(dirname(path), 'model.onnx_data'), Buffer.concat(data));
  await writeFile(path, serializeOnnx({ ...graph, constants }));
}

export const newFolder = () => mkdtemp(join(tmpdir(), 'darkroom-reward-'));

/** A folder with a manifest, graphs by file name, and the built-in policy's CLIP tokenizer. */
export async function writeModel(
  manifest: object,
  graphs: Record<string, Graph>,
  folder?: string,
): Promise<string> {
  const into = folder ?? (await newFolder());
  for (const [file, graph] of Object.entries(graphs)) {
    await mkdir(dirname(join(into, file)), { recursive: true });
    await writeFile(join(into, file), serializeOnnx(graph));
  }
  writeTokenizer(join(into, 'tokenizer'));
  await writeFile(join(into, 'reward.json'), JSON.stringify(manifest));
  return into;
}

/** tanh(x · W) of preprocessed pixels [3 · size · size]. */
export function embeddingOf(values: ArrayLike<number>): number[] {
  return Array.from({ length: width }, (_, column) => {
    let sum = 0;
    for (let i = 0; i < pixels; i++) {
      sum += values[i]! * imageWeights[i * width + column]!;
    }
    return Math.tanh(sum);
  });
}

/** The text tower of these ids, of which the first `used` count. */
export function promptOf(ids: readonly number[], used: number): number[] {
  return Array.from({ length: width }, (_, column) =>
    ids.slice(0, used).reduce((sum, id) => sum + tokenWeights[id * width + column]!, 0),
  );
}

export const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

export const cosine = (a: readonly number[], b: readonly number[]) =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
