/**
 * @file How often an adapter counts, where its tensors do not say: alpha and rank in the header of
 * a file, or in PEFT's configuration beside it. Sources: diffusers `loaders/lora_base.py`
 * (`lora_adapter_metadata`), PEFT `utils/other.py` (`get_pattern_key`), kohya's `ss_network_alpha`.
 */
import { z } from 'zod';
import { AppError } from '@/lib/errors';

const numbers = z.record(z.string(), z.number().positive());
const configSchema = z.looseObject({
  lora_alpha: z.number().positive().optional(),
  alpha_pattern: numbers.nullish(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
});
type Config = z.infer<typeof configSchema>;

const ownNoteSchema = z.looseObject({ loraAlpha: z.number().positive() });

/** What alpha / rank comes to at a module, by its path and rank. */
export type ScaleOf = (path: string, rank: number) => number;

/**
 * Reads a header's alpha; 1 where it says nothing. `config`: PEFT's `adapter_config.json`, where
 * the file came with one. Throws 'unprocessable' for what cannot be followed.
 */
export function scaleInHeader(
  metadata: Readonly<Record<string, string>>,
  prefix: string,
  source: string,
  config?: unknown,
): ScaleOf {
  const told = metadata.lora_adapter_metadata;
  const peft = told === undefined ? config : ofDenoiser(jsonOf(told), prefix);
  if (peft !== undefined) return scaleIn(peft, source);
  const note = ownNoteSchema.safeParse(jsonOf(metadata.darkroom ?? '')).data;
  const alpha = note?.loraAlpha ?? Number(metadata.ss_network_alpha);
  return alpha > 0 && Number.isFinite(alpha) ? (_, rank) => alpha / rank : () => 1;
}

/** Entries of the denoiser: `unet.r`, or `r` in the file of a model saved by itself. */
function ofDenoiser(told: unknown, prefix: string): unknown {
  if (typeof told !== 'object' || told === null) return told;
  const entries = Object.entries(told);
  const own = entries.filter(([key]) => key.startsWith(`${prefix}.`));
  if (own.length === 0) return told;
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length + 1), value]));
}

function scaleIn(told: unknown, source: string): ScaleOf {
  const parsed = configSchema.safeParse(told);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'unprocessable',
      `${source}: its adapter's configuration cannot be read (${issue?.path.join('.')}: ${issue?.message}). Save the adapter again with diffusers or PEFT.`,
    );
  }
  const { lora_alpha: alpha, use_rslora: rooted, use_dora: dora } = parsed.data;
  if (dora) {
    throw new AppError(
      'unprocessable',
      `${source} is DoRA (use_dora), and only LoRA can be read. Merge it into the model and import that, or choose a LoRA.`,
    );
  }
  const patterns = literalPatterns(parsed.data, source);
  return (path, rank) => {
    const own = patterns.find(({ key, whole }) =>
      whole ? path === key : path === key || path.endsWith(`.${key}`),
    );
    const value = own?.alpha ?? alpha ?? rank;
    return value / (rooted ? Math.sqrt(rank) : rank);
  };
}

/**
 * PEFT takes the keys of a pattern for expressions that fit the end of a path. Those that programs
 * write are paths, some after `^`; others are refused rather than run.
 */
function literalPatterns({ alpha_pattern: patterns }: Config, source: string) {
  return Object.entries(patterns ?? {}).map(([pattern, alpha]) => {
    const [, start, key] = /^(\^?)([\w.]+)\$?$/.exec(pattern) ?? [];
    if (key === undefined) {
      throw new AppError(
        'unprocessable',
        `${source}: alpha_pattern has the expression "${pattern}", and only paths of modules can be read. Write the paths out, or save the adapter again with diffusers.`,
      );
    }
    return { key, whole: start === '^', alpha };
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
