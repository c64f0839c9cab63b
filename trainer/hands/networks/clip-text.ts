/**
 * @file CLIP's text encoder (transformers' CLIPTextModel) as an ONNX graph, from its own
 * config.json.
 */
import { z } from 'zod';
import type { Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import type { Layers, Path } from './layers';

/** The part of config.json that changes the numbers. */
export const clipTextConfigSchema = z.looseObject({
  hidden_act: z.literal('quick_gelu'),
  hidden_size: z.number().int(),
  intermediate_size: z.number().int(),
  layer_norm_eps: z.number().default(1e-5),
  max_position_embeddings: z.number().int(),
  num_attention_heads: z.number().int(),
  num_hidden_layers: z.number().int(),
  vocab_size: z.number().int(),
});

export type ClipTextConfig = z.infer<typeof clipTextConfigSchema>;

/** Added where a token would look ahead; float32's lowest, as in transformers. */
const MASKED = -3.4028234663852886e38;
/** quick_gelu(x) = x * sigmoid(1.702 x). */
const QUICK_GELU = 1.702;

/**
 * Appends the encoder.
 * @param ids token ids, int64 [batch, max_position_embeddings]
 * @returns the last hidden state, [batch, tokens, hidden_size]
 */
export function buildClipText(layers: Layers, config: ClipTextConfig, ids: Value): Value {
  const b = layers.builder;
  const { hidden_size: width, max_position_embeddings: length } = config;
  const tokens = layers.op(
    ['embeddings', 'token_embedding'],
    'Gather',
    [layers.weight(['embeddings', 'token_embedding'], 'weight', [config.vocab_size, width]), ids],
    { axis: 0 },
  );
  const positions = layers.weight(['embeddings', 'position_embedding'], 'weight', [length, width]);
  const mask = b.constant(b.fresh('causal_mask'), causalMask(length));
  let x = layers.op(['embeddings'], 'Add', [tokens, positions]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    x = encoderLayer(layers, config, ['encoder', `layers.${layer}`], x, mask);
  }
  return layers.layerNorm(['final_layer_norm'], x, config.layer_norm_eps);
}

function encoderLayer(
  layers: Layers,
  config: ClipTextConfig,
  path: Path,
  x: Value,
  mask: Value,
): Value {
  const b = layers.builder;
  const { hidden_size: width, layer_norm_eps: epsilon } = config;
  const attention = [...path, 'self_attn'];
  const normal = layers.layerNorm([...path, 'layer_norm1'], x, epsilon);
  const mixed = layers.attention(
    attention,
    layers.linear([...attention, 'q_proj'], normal, width),
    layers.linear([...attention, 'k_proj'], normal, width),
    layers.linear([...attention, 'v_proj'], normal, width),
    config.num_attention_heads,
    mask,
  );
  const attended = b.add(x, layers.linear([...attention, 'out_proj'], mixed, width));
  const second = layers.layerNorm([...path, 'layer_norm2'], attended, epsilon);
  const hidden = layers.linear([...path, 'mlp', 'fc1'], second, config.intermediate_size);
  const gate = layers.op([...path, 'mlp', 'activation_fn'], 'Sigmoid', [
    b.scale(hidden, QUICK_GELU),
  ]);
  const active = layers.op([...path, 'mlp', 'activation_fn'], 'Mul', [hidden, gate]);
  return b.add(attended, layers.linear([...path, 'mlp', 'fc2'], active, width));
}

function causalMask(length: number) {
  const mask = new Float32Array(length * length);
  for (let row = 0; row < length; row++) {
    for (let column = row + 1; column < length; column++) mask[row * length + column] = MASKED;
  }
  return float32([1, 1, length, length], mask);
}
