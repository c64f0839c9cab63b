/**
 * @file How other programs name the modules of a denoiser that an adapter changes. Sources of the
 * names: kohya-ss/sd-scripts (`networks/lora.py`, `networks/lora_sd3.py`), ComfyUI
 * (`comfy/lora.py`, `comfy/utils.py`), stable-diffusion-webui (`extensions-builtin/Lora`).
 */

/**
 * A module under another program's name, and the modules that lie in it, one above the other in
 * the rows of its weight: one, or three where query, key and value are one product there.
 */
export interface ForeignModule {
  /** kohya's name of it. */
  name: string;
  /** Its path in a model of its authors, or of diffusers where kohya goes by those. */
  path: string;
  /** diffusers' paths, top row first. */
  parts: readonly string[];
}

/** Where diffusers' modules of Stable Diffusion 3 lie in its authors' own: block, module. */
const jointModules: Readonly<Record<string, readonly string[]>> = {
  'x_block.attn.qkv': ['attn.to_q', 'attn.to_k', 'attn.to_v'],
  'x_block.attn.proj': ['attn.to_out.0'],
  'x_block.attn2.qkv': ['attn2.to_q', 'attn2.to_k', 'attn2.to_v'],
  'x_block.attn2.proj': ['attn2.to_out.0'],
  'x_block.mlp.fc1': ['ff.net.0.proj'],
  'x_block.mlp.fc2': ['ff.net.2'],
  'context_block.attn.qkv': ['attn.add_q_proj', 'attn.add_k_proj', 'attn.add_v_proj'],
  'context_block.attn.proj': ['attn.to_add_out'],
  'context_block.mlp.fc1': ['ff_context.net.0.proj'],
  'context_block.mlp.fc2': ['ff_context.net.2'],
};

const blockPath = /^transformer_blocks\.(\d+)\.(.+)$/;

/** A module's path as kohya's names have it. */
export const underscored = (path: string) => path.replaceAll('.', '_');

/**
 * kohya's names for modules of a denoiser. A UNet's are diffusers' paths with underscores. Those of
 * a transformer with joint attention (Stable Diffusion 3) are its authors', which sd-scripts,
 * ComfyUI and Forge share; those of other transformers are OneTrainer's. `prefix` is diffusers':
 * `unet` or `transformer`. A module of several parts is there if any of them is.
 */
export function kohyaModules(prefix: string, paths: readonly string[]): ForeignModule[] {
  if (prefix === 'unet') return paths.map((path) => simple('lora_unet', path));
  const joint = jointModulesOf(paths);
  return joint ?? paths.map((path) => simple('lora_transformer', path));
}

const simple = (start: string, path: string): ForeignModule => ({
  name: `${start}_${underscored(path)}`,
  path,
  parts: [path],
});

/** Undefined where a path is none of Stable Diffusion 3's, or none is of joint attention. */
function jointModulesOf(paths: readonly string[]): ForeignModule[] | undefined {
  const found = new Map<string, ForeignModule>();
  for (const path of paths) {
    const [, block, module] = blockPath.exec(path) ?? [];
    const row = Object.entries(jointModules).find(([, parts]) => parts.includes(module ?? ''));
    if (!row) return undefined;
    const [own, parts] = row;
    const ownPath = `joint_blocks.${block}.${own}`;
    found.set(ownPath, {
      name: `lora_unet_${underscored(ownPath)}`,
      path: ownPath,
      parts: parts.map((part) => `transformer_blocks.${block}.${part}`),
    });
  }
  return paths.some((path) => path.includes('.attn.')) ? [...found.values()] : undefined;
}

export const moduleNamings = [
  'unet',
  'joint-transformer',
  'pixart',
  'transformer',
  'made-up',
] as const;

/** Whose names an adapter's modules have, and with that which programs know them. */
export type ModuleNaming = (typeof moduleNamings)[number];

const tensorName = /^(unet|transformer)\.(.+)\.lora_[AB]\.weight$/;

/**
 * Told by the names of an adapter's tensors. @param ofTransformer what they are where they are a
 * transformer's without joint attention: several families have the same
 */
export function moduleNamingOf(
  tensorNames: Iterable<string>,
  ofTransformer: ModuleNaming = 'transformer',
): ModuleNaming {
  const names = [...tensorNames].flatMap((name) => {
    const [, prefix, path] = tensorName.exec(name) ?? [];
    return prefix && path ? [{ prefix, path }] : [];
  });
  const paths = names.map(({ path }) => path);
  // As `attentionProjections` calls those of a graph that has no names.
  if (paths.some((path) => /^attention\.\d+\./.test(path))) return 'made-up';
  if (names[0]?.prefix !== 'transformer') return 'unet';
  return jointModulesOf(paths) ? 'joint-transformer' : ofTransformer;
}

/**
 * A UNet's modules by the names of its authors, as kohya's SDXL trainer, A1111 and ComfyUI know
 * them: `input_blocks.4.1.transformer_blocks.0.attn1.to_q`. Undefined for a module outside the
 * blocks.
 *
 * @param layersPerBlock resnets of a down block; an up block has one more
 */
export function originalPath(path: string, layersPerBlock: number): string | undefined {
  const [, side, block, kind, layer, rest] =
    /^(down|up)_blocks\.(\d+)\.(attentions|resnets)\.(\d+)\.(.+)$/.exec(path) ?? [];
  if (side && block && kind && layer && rest) {
    const at = Number(block) * (layersPerBlock + 1) + Number(layer);
    const own = kind === 'attentions' ? `1.${rest}` : `0.${originalResnet[rest] ?? rest}`;
    return side === 'down' ? `input_blocks.${at + 1}.${own}` : `output_blocks.${at}.${own}`;
  }
  const [, midKind, midLayer, midRest] =
    /^mid_block\.(attentions|resnets)\.(\d+)\.(.+)$/.exec(path) ?? [];
  if (!midKind || !midLayer || !midRest) return undefined;
  return midKind === 'attentions'
    ? `middle_block.1.${midRest}`
    : `middle_block.${2 * Number(midLayer)}.${originalResnet[midRest] ?? midRest}`;
}

const originalResnet: Readonly<Record<string, string>> = {
  conv1: 'in_layers.2',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};
