/**
 * @file Diffusers' UNet2DConditionModel as an ONNX graph, from its own config.json: convolutional
 * residual blocks with time embedding, transformer blocks with self- and cross-attention, skip
 * connections. Loads and is loaded by diffusers.
 */
import { z } from 'zod';
import type { Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import type { Layers, Path } from './layers';

const perBlock = z.union([z.number().int(), z.array(z.number().int())]);

/**
 * The part of config.json that this builder understands; anything that would change the numbers is
 * refused.
 */
export const unetConfigSchema = z.looseObject({
  act_fn: z.literal('silu').default('silu'),
  attention_head_dim: perBlock,
  block_out_channels: z.array(z.number().int()),
  center_input_sample: z.literal(false).default(false),
  class_embed_type: z.null().default(null),
  cross_attention_dim: z.number().int(),
  down_block_types: z.array(z.enum(['CrossAttnDownBlock2D', 'DownBlock2D'])),
  downsample_padding: z.literal(1).default(1),
  flip_sin_to_cos: z.literal(true).default(true),
  freq_shift: z.literal(0).default(0),
  in_channels: z.number().int(),
  layers_per_block: z.number().int(),
  mid_block_type: z.literal('UNetMidBlock2DCrossAttn').default('UNetMidBlock2DCrossAttn'),
  norm_eps: z.number().default(1e-5),
  norm_num_groups: z.number().int(),
  out_channels: z.number().int(),
  resnet_time_scale_shift: z.literal('default').default('default'),
  sample_size: z.number().int(),
  transformer_layers_per_block: z.literal(1).default(1),
  up_block_types: z.array(z.enum(['CrossAttnUpBlock2D', 'UpBlock2D'])),
  use_linear_projection: z.literal(false).default(false),
});

export type UnetConfig = z.infer<typeof unetConfigSchema>;

/** Epsilon of the group norm before a transformer; diffusers fixes it. */
const TRANSFORMER_NORM_EPSILON = 1e-6;
/** Longest wavelength of the time embedding, as in "Attention is all you need". */
const MAX_PERIOD = 10_000;

export interface UnetInputs {
  /** Noisy latents, [batch, in_channels, height, width]. */
  sample: Value;
  /** int64, scalar or one per image. */
  timestep: Value;
  /** Text embedding, [batch, tokens, cross_attention_dim]. */
  context: Value;
}

/** Appends the UNet; returns the predicted noise, shaped like `sample`. */
export function buildUnet(layers: Layers, config: UnetConfig, inputs: UnetInputs): Value {
  return new Unet(layers, config, inputs).build();
}

class Unet {
  readonly #heads: readonly number[];
  readonly #time: Value;

  constructor(
    private readonly layers: Layers,
    private readonly config: UnetConfig,
    private readonly inputs: UnetInputs,
  ) {
    const { attention_head_dim: heads, block_out_channels: widths } = config;
    // Diffusers calls it head_dim, but it is the number of heads (huggingface/diffusers issue
    // 2011).
    this.#heads = Array.isArray(heads) ? heads : widths.map(() => heads);
    this.#time = this.#timeEmbedding();
  }

  build(): Value {
    const { layers, config } = this;
    const widths = config.block_out_channels;
    const last = widths.length - 1;
    let x = layers.conv(['conv_in'], this.inputs.sample, widths[0]!, { kernel: 3 });
    const skips = [x];

    widths.forEach((width, level) => {
      const block = `down_blocks.${level}`;
      const attends = config.down_block_types[level] === 'CrossAttnDownBlock2D';
      for (let layer = 0; layer < config.layers_per_block; layer++) {
        x = this.#residual([block, `resnets.${layer}`], x, width);
        if (attends) x = this.#transformer([block, `attentions.${layer}`], x, level);
        skips.push(x);
      }
      if (level < last) {
        x = layers.conv([block, 'downsamplers.0', 'conv'], x, width, { kernel: 3, stride: 2 });
        skips.push(x);
      }
    });

    const deepest = widths[last]!;
    x = this.#residual(['mid_block', 'resnets.0'], x, deepest);
    x = this.#transformer(['mid_block', 'attentions.0'], x, last);
    x = this.#residual(['mid_block', 'resnets.1'], x, deepest);

    for (let index = 0; index <= last; index++) {
      const level = last - index;
      const width = widths[level]!;
      const block = `up_blocks.${index}`;
      const attends = config.up_block_types[index] === 'CrossAttnUpBlock2D';
      for (let layer = 0; layer <= config.layers_per_block; layer++) {
        x = layers.op([block], 'Concat', [x, skips.pop() as Value], { axis: 1 });
        x = this.#residual([block, `resnets.${layer}`], x, width);
        if (attends) x = this.#transformer([block, `attentions.${layer}`], x, level);
      }
      if (level > 0) x = this.#upsample([block, 'upsamplers.0'], x, width);
    }

    x = layers.groupNorm(['conv_norm_out'], x, config.norm_num_groups, config.norm_eps);
    x = layers.silu(['conv_act'], x);
    return layers.conv(['conv_out'], x, config.out_channels, { kernel: 3 });
  }

  /**
   * Sinusoids of the timestep through two linear layers and the activation that every residual
   * block begins with.
   */
  #timeEmbedding(): Value {
    const { layers, config } = this;
    const b = layers.builder;
    const width = config.block_out_channels[0]!;
    const half = width / 2;
    const frequencies = Float32Array.from({ length: half }, (_, index) =>
      Math.exp((-Math.log(MAX_PERIOD) * index) / half),
    );
    const column = b.op('Reshape', [this.inputs.timestep, b.ints([-1, 1])]);
    const steps = layers.op(['time_proj'], 'Cast', [column], { to: 1 });
    const angles = layers.op(['time_proj'], 'Mul', [
      steps,
      b.constant(b.fresh('time_proj.frequencies'), float32([1, half], frequencies)),
    ]);
    const waves = layers.op(
      ['time_proj'],
      'Concat',
      [layers.op(['time_proj'], 'Cos', [angles]), layers.op(['time_proj'], 'Sin', [angles])],
      { axis: -1 },
    );
    const first = layers.linear2d(['time_embedding', 'linear_1'], waves, width * 4);
    const hidden = layers.silu(['time_embedding', 'act'], first);
    const embedding = layers.linear2d(['time_embedding', 'linear_2'], hidden, width * 4);
    return layers.silu(['down_blocks.0', 'resnets.0', 'nonlinearity_1'], embedding);
  }

  #residual(path: Path, x: Value, width: number): Value {
    const { layers, config } = this;
    const b = layers.builder;
    const norm = (name: string, value: Value) =>
      layers.silu(
        [...path, name === 'norm1' ? 'nonlinearity' : 'nonlinearity_2'],
        layers.groupNorm([...path, name], value, config.norm_num_groups, config.norm_eps),
      );
    const first = layers.conv([...path, 'conv1'], norm('norm1', x), width, { kernel: 3 });
    const time = layers.linear2d([...path, 'time_emb_proj'], this.#time, width);
    const timed = layers.op(path, 'Add', [first, b.op('Unsqueeze', [time, b.ints([2, 3])])]);
    const second = layers.conv([...path, 'conv2'], norm('norm2', timed), width, { kernel: 3 });
    const straight =
      layers.channels(x) === width
        ? x
        : layers.conv([...path, 'conv_shortcut'], x, width, { kernel: 1 });
    return layers.op(path, 'Add', [straight, second]);
  }

  #transformer(path: Path, x: Value, level: number): Value {
    const { layers, config } = this;
    const b = layers.builder;
    const [, width, height, across] = b.dims(x) as [number, number, number, number];
    const normal = layers.groupNorm(
      [...path, 'norm'],
      x,
      config.norm_num_groups,
      TRANSFORMER_NORM_EPSILON,
    );
    const inner = layers.conv([...path, 'proj_in'], normal, width, { kernel: 1 });
    const lastAxis = layers.op(path, 'Transpose', [inner], { perm: [0, 2, 3, 1] });
    const tokens = layers.op(path, 'Reshape', [lastAxis, b.ints([0, height * across, width])]);
    const mixed = this.#transformerBlock(
      [...path, 'transformer_blocks.0'],
      tokens,
      this.#heads[level]!,
    );
    const grid = b.op('Reshape', [mixed, b.ints([0, height, across, width])]);
    const channels = b.op('Transpose', [grid], { perm: [0, 3, 1, 2] });
    const outer = layers.conv([...path, 'proj_out'], channels, width, { kernel: 1 });
    return layers.op(path, 'Add', [outer, x]);
  }

  #transformerBlock(path: Path, x: Value, heads: number): Value {
    const { layers } = this;
    const own = layers.layerNorm([...path, 'norm1'], x);
    const self = layers.builder.add(this.#attention([...path, 'attn1'], own, own, heads), x);
    const asking = layers.layerNorm([...path, 'norm2'], self);
    const context = this.inputs.context;
    const cross = layers.builder.add(
      this.#attention([...path, 'attn2'], asking, context, heads),
      self,
    );
    return layers.builder.add(
      this.#feedForward([...path, 'ff'], layers.layerNorm([...path, 'norm3'], cross)),
      cross,
    );
  }

  #attention(path: Path, x: Value, context: Value, heads: number): Value {
    const { layers } = this;
    const width = layers.builder.dims(x).at(-1) as number;
    const mixed = layers.attention(
      path,
      layers.linear([...path, 'to_q'], x, width, false),
      layers.linear([...path, 'to_k'], context, width, false),
      layers.linear([...path, 'to_v'], context, width, false),
      heads,
    );
    return layers.linear([...path, 'to_out.0'], mixed, width);
  }

  /** GEGLU: one half gates the other through GELU (exact, with erf). */
  #feedForward(path: Path, x: Value): Value {
    const { layers } = this;
    const b = layers.builder;
    const width = b.dims(x).at(-1) as number;
    const inner = width * 4;
    const both = layers.linear([...path, 'net.0', 'proj'], x, inner * 2);
    const halves = b.ops('Split', [both, b.ints([inner, inner])], { axis: 2 }, { count: 2 });
    const [value, gate] = halves as [Value, Value];
    const erf = layers.op([...path, 'net.0'], 'Erf', [b.scale(gate, Math.SQRT1_2)]);
    const gelu = b.scale(b.mul(gate, b.add(erf, b.scalar(1))), 0.5);
    return layers.linear([...path, 'net.2'], b.mul(value, gelu), width);
  }

  #upsample(path: Path, x: Value, width: number): Value {
    const { layers } = this;
    const scales = layers.builder.tensor(float32([4], [1, 1, 2, 2]));
    const larger = layers.op(path, 'Resize', [x, '', scales], {
      coordinate_transformation_mode: 'asymmetric',
      mode: 'nearest',
      nearest_mode: 'floor',
    });
    return layers.conv([...path, 'conv'], larger, width, { kernel: 3 });
  }
}
