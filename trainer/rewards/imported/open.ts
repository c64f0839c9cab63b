/**
 * @file A reward model from a folder: `reward.json`, ONNX graphs and a tokenizer become a
 * differentiable score. The models that exist are in layouts.ts; what a manifest may say, in
 * manifest.ts.
 */
import { join } from 'node:path';
import { filesHash } from '@/trainer/diffusion/pipelines/hash';
import type { Builder, Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { type Graph, GraphError, type Port } from '@/trainer/graph/model';
import { formatDims, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { imagePort, openGraph, portOf } from '../graphs';
import { appendPreprocessing, type Preprocessing } from '../preprocess';
import type { Reward } from '../reward';
import { appendAffine, appendCosine, appendUnit, perImage } from '../scores';
import { nameOf } from './identity';
import { type Layout, layoutOf } from './layouts';
import { type Manifest, readManifest } from './manifest';
import { openPrompts, type Prompts } from './prompts';

interface Parts {
  manifest: Manifest;
  layout: Layout;
  preprocessing: Preprocessing;
  model: Graph;
  image: Port;
  output: Port;
  prompts: Prompts;
  head: Graph | undefined;
}

/**
 * Opens the reward model of a folder. Its prompts are embedded on `engine`; release it when done.
 * @throws RewardError, GraphError or PipelineError naming the file, what is wrong with it, and the
 * remedy
 */
export async function openImportedReward(
  engine: Engine,
  folder: string,
  hashOf = filesHash,
): Promise<Reward> {
  const manifest = await readManifest(folder);
  const layout = layoutOf(manifest.layout);
  const { file, input, output, ...own } = manifest.image;
  const preprocessing: Preprocessing = { ...layout.preprocessing, ...own };
  const model = await openGraph(join(folder, file));
  const image = imagePort(model, input, preprocessing.size);
  const embeds = layout.score !== 'affine' || layout.head;
  const head = manifest.head && (await openGraph(join(folder, manifest.head.file)));
  if (head) portOf(head, 'inputs', manifest.head?.input);
  const given = portOf(model, 'outputs', output, embeds ? 'image_embeds' : undefined);
  const prompts = await openPrompts(engine, folder, manifest, model, image.name);
  const parts = { manifest, layout, preprocessing, model, image, output: given, prompts, head };
  const name = await nameOf(folder, manifest, hashOf);
  const expected = manifest.expected ?? layout.expected;
  return {
    name,
    append: (b, images) => appendScore(b, images, parts),
    feeds: (texts): Promise<Record<string, Tensor>> => prompts.feeds(texts),
    ...(expected && { expected }),
    ...(prompts.measure && { measure: prompts.measure }),
    release: () => prompts.release(),
  };
}

function appendScore(b: Builder, images: Value, parts: Parts): Value {
  const { manifest, layout, model, head, prompts } = parts;
  const n = b.dims(images)[0]!;
  const pixels = b.cast(appendPreprocessing(b, images, parts.preprocessing), parts.image.dtype);
  const told = prompts.declare(b, n);
  const outputs = inline(b, model, {
    feeds: { [parts.image.name]: pixels, ...told.feeds },
  });
  const given = b.cast(outputs[parts.output.name]!, 'float32');
  if (layout.score !== 'affine') {
    const text = told.embedding as Value;
    expectEmbedding(b, given, model, b.dims(text)[1]);
    const cosine = appendCosine(b, given, text);
    return b.scale(cosine, Math.exp(manifest.score.logitScale ?? 0));
  }
  let score = given;
  let source = model.source;
  if (head) {
    expectEmbedding(b, given, model, undefined);
    const port = portOf(head, 'inputs', manifest.head?.input);
    const scored = inline(b, head, {
      feeds: { [port.name]: b.cast(appendUnit(b, given), port.dtype) },
    });
    const result = portOf(head, 'outputs', manifest.head?.output);
    score = b.cast(scored[result.name]!, 'float32');
    source = head.source;
  }
  const { mean = layout.affine?.mean ?? 0, std = layout.affine?.std ?? 1 } = manifest.score;
  return appendAffine(b, perImage(b, score, n, source), { mean, std });
}

/**
 * @throws GraphError where the image's embedding is no vector per image, or not as wide as the
 * prompt's
 */
function expectEmbedding(b: Builder, value: Value, model: Graph, width: number | undefined): void {
  const dims = b.dims(value);
  if (dims.length !== 2) {
    throw new GraphError(
      `${model.source} gives ${formatDims(dims)}, where an embedding per image, [n,width], was expected. Name the output that is one (image.output in reward.json), with the projection.`,
    );
  }
  if (width === undefined || dims[1] === width) return;
  throw new GraphError(
    `${model.source} gives ${dims[1]} numbers per image, the text tower ${width} per prompt: the two are not from one model. Export both from one checkpoint, with their projections.`,
  );
}
