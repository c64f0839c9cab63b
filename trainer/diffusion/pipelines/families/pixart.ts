/**
 * @file PixArt-α and PixArt-Σ: the hidden states of T5, and which of its rows are not padding; no
 * prompt is the empty one. A network that was trained at several sizes is told the image's, too.
 * Source: `PixArtAlphaPipeline` and `PixArtSigmaPipeline` (`encode_prompt`, micro-conditions) and
 * `PixArtTransformer2DModel` of huggingface/diffusers.
 */
import { z } from 'zod';
import type { Graph, Node } from '@/trainer/graph/model';
import { tensorOf } from '@/trainer/graph/numbers';
import { float32 } from '@/trainer/graph/tensor';
import { denoiserKinds } from '../../denoiser-kinds';
import { type PipelineLayout, transformerLevel } from '../layouts';
import { portNamed } from '../static-network';

const positive = z.number().int().positive();

/** The latents' side at which diffusers tells a network of sizes, where its file does not say. */
const toldSize = 128;

export const pixart: PipelineLayout = {
  denoiser: 'transformer',
  shape: z
    .object({
      caption_channels: positive,
      sample_size: positive,
      use_additional_conditions: z.boolean().nullish(),
    })
    .transform((config) => ({ text_encoder }) => ({
      encoder_hidden_states: [text_encoder!, config.caption_channels],
      encoder_attention_mask: [text_encoder!],
      ...((config.use_additional_conditions ?? config.sample_size === toldSize) && {
        resolution: [2],
        aspect_ratio: [1],
      }),
    })),
  outputs: { text_encoder: ['last_hidden_state'] },
  async conditioning({ prompt, read, shape, imageSize }) {
    const text = await read('text_encoder', prompt ?? '');
    const [height, width] = imageSize;
    return {
      encoder_hidden_states: text!.outputs.last_hidden_state!,
      encoder_attention_mask: float32([text!.mask.data.length], text!.mask.data),
      ...(shape.resolution && {
        resolution: float32([2], [height, width]),
        aspect_ratio: float32([1], [height / width]),
      }),
    };
  },
  noiseOnly,
  level: transformerLevel,
};

/** The channels behind the noise are a learned variance: diffusers drops them before its step. */
function noiseOnly(graph: Graph, channels: number): Graph {
  const { output: name } = denoiserKinds.transformer;
  const port = portNamed(graph, 'outputs', name);
  const whole = `${name} with variance`;
  const renamed = (names: readonly string[]) => names.map((own) => (own === name ? whole : own));
  const bound = (what: string, value: number): Node => ({
    name: `noise only, ${what}`,
    op: 'Constant',
    domain: '',
    inputs: [],
    outputs: [`${name} ${what}`],
    attributes: { value: { kind: 'tensor', value: tensorOf('int64', [1], [value]) } },
  });
  const bounds = [bound('start', 0), bound('end', channels), bound('axis', 1)];
  const slice: Node = {
    name: 'noise only',
    op: 'Slice',
    domain: '',
    inputs: [whole, ...bounds.flatMap(({ outputs }) => outputs)],
    outputs: [name],
    attributes: {},
  };
  return {
    ...graph,
    nodes: [
      ...graph.nodes.map((node) => ({
        ...node,
        inputs: renamed(node.inputs),
        outputs: renamed(node.outputs),
      })),
      ...bounds,
      slice,
    ],
    outputs: graph.outputs.map((own) =>
      own === port ? { ...port, dims: port.dims.map((d, i) => (i === 1 ? channels : d)) } : own,
    ),
  };
}
