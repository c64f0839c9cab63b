/**
 * @file What a tensor of somebody's LoRA file is, by its name: which module it belongs to, and
 * which part of the module's adapter it is. Sources: diffusers `utils/state_dict_utils.py`, PEFT
 * `utils/save_and_load.py`, kohya-ss/sd-scripts `networks/lora.py`, LyCORIS.
 */
import { AppError } from '@/lib/errors';

export type AdapterPart = 'down' | 'up' | 'mid' | 'alpha';

export interface TensorName {
  /** As the file names it, without what all names of its kind begin with. */
  module: string;
  part: AdapterPart;
}

/** Ends of names, by who writes them; the rest is the module. */
const endings: readonly [RegExp, AdapterPart][] = [
  // PEFT, also with the adapter's own name in it
  [/\.lora_A(?:\.\w+)?\.weight$/, 'down'],
  [/\.lora_B(?:\.\w+)?\.weight$/, 'up'],
  // kohya's
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_up\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.alpha$/, 'alpha'],
  // scripts of diffusers: a layer beside the module, or a processor that holds all of them
  [/[._]lora\.down\.weight$/, 'down'],
  [/[._]lora\.up\.weight$/, 'up'],
];

/** Other ways to change a weight: told by a name, and what they are called. */
const otherWays: readonly [RegExp, string][] = [
  [/dora_scale|lora_magnitude_vector/, 'DoRA'],
  [/\.hada_/, 'LoHa'],
  [/\.lokr_/, 'LoKr'],
  [/oft_/, 'OFT'],
  [/\.[ab][12]\.weight$/, 'GLoRA'],
  [/\.(?:diff|diff_b|w_norm|b_norm|set_weight|reshape_weight)$/, 'whole weights'],
  [/lora_(?:A|B|up|down)(?:\.\w+)?\.bias$/, 'LoRA with biases'],
];

const ofTextEncoders =
  /^(?:base_model\.model\.)?(?:lora_te\d?_|te\d?_|text_encoders?(?:_\d)?\.|text_model\.)/;

const beginnings = [
  'base_model.model.',
  'model.diffusion_model.',
  'diffusion_model.',
  'unet.',
  'transformer.',
  'module.',
  'lora_unet_',
  'lora_transformer_',
  'lycoris_',
];

/** Whether a tensor belongs to a text encoder. */
export function isOfTextEncoder(name: string): boolean {
  return ofTextEncoders.test(name);
}

/**
 * Reads the name of a tensor. Throws 'unprocessable' naming it where it is no LoRA's, or LoRA of a
 * kind that Darkroom cannot go on training.
 */
export function tensorNameOf(name: string, source: string): TensorName {
  const other = otherWays.find(([pattern]) => pattern.test(name));
  if (other) {
    throw new AppError(
      'unprocessable',
      `${source} holds "${name}": that is ${other[1]}, and only LoRA (with lora_mid, too) can be read. Merge it into the model and import that, or choose a LoRA.`,
    );
  }
  const ending = endings.find(([pattern]) => pattern.test(name));
  if (!ending) {
    throw new AppError(
      'unprocessable',
      `${source} holds "${name}", which is no tensor of a LoRA. Choose a file with lora_A and lora_B, or lora_down and lora_up.`,
    );
  }
  const [pattern, part] = ending;
  return { module: withoutBeginning(name.replace(pattern, '')), part };
}

function withoutBeginning(module: string): string {
  const found = beginnings.find((beginning) => module.startsWith(beginning));
  return found
    ? withoutBeginning(module.slice(found.length))
    : module.replaceAll('.processor.', '.');
}
