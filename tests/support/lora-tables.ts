/**
 * Which names of an adapter's modules other programs know, made from a model's configuration as
 * they make them. Facts: ComfyUI `comfy/lora.py`, `comfy/utils.py`; stable-diffusion-webui 1.10
 * `extensions-builtin/Lora/networks.py`, `modules/models/sd3/sd3_model.py`.
 */

/** A UNet of diffusers by its blocks; depths are transformer blocks in an attention, 0: none. */
export interface UnetBlocks {
  layersPerBlock: number;
  downDepths: readonly number[];
  midDepth: number;
}

export const sd15: UnetBlocks = { layersPerBlock: 2, downDepths: [1, 1, 1, 0], midDepth: 1 };
export const sdxl: UnetBlocks = { layersPerBlock: 2, downDepths: [0, 2, 10], midDepth: 10 };

/** Modules of a UNet that an adapter may change: [diffusers' path, its authors' path]. */
export function unetModules({ layersPerBlock, downDepths, midDepth }: UnetBlocks) {
  const modules: [string, string][] = [];
  const attention = (path: string, own: string, depth: number) => {
    if (depth === 0) return;
    for (const name of ['proj_in', 'proj_out']) modules.push([`${path}.${name}`, `${own}.${name}`]);
    for (let at = 0; at < depth; at++) {
      for (const attn of ['attn1', 'attn2']) {
        for (const to of ['to_q', 'to_k', 'to_v', 'to_out.0']) {
          const rest = `transformer_blocks.${at}.${attn}.${to}`;
          modules.push([`${path}.${rest}`, `${own}.${rest}`]);
        }
      }
      for (const ff of ['ff.net.0.proj', 'ff.net.2']) {
        const rest = `transformer_blocks.${at}.${ff}`;
        modules.push([`${path}.${rest}`, `${own}.${rest}`]);
      }
    }
  };
  const resnet = (path: string, own: string) => {
    modules.push([`${path}.conv1`, `${own}.in_layers.2`], [`${path}.conv2`, `${own}.out_layers.3`]);
  };
  const shortcut = (path: string, own: string) =>
    modules.push([`${path}.conv_shortcut`, `${own}.skip_connection`]);
  const last = downDepths.length - 1;
  let input = 1;
  for (const [block, depth] of downDepths.entries()) {
    for (let layer = 0; layer < layersPerBlock; layer++) {
      const own = `input_blocks.${input}`;
      resnet(`down_blocks.${block}.resnets.${layer}`, `${own}.0`);
      if (layer === 0 && block > 0 && block < 3)
        shortcut(`down_blocks.${block}.resnets.${layer}`, `${own}.0`);
      attention(`down_blocks.${block}.attentions.${layer}`, `${own}.1`, depth);
      input++;
    }
    if (block < last) input++;
  }
  resnet('mid_block.resnets.0', 'middle_block.0');
  attention('mid_block.attentions.0', 'middle_block.1', midDepth);
  resnet('mid_block.resnets.1', 'middle_block.2');
  let output = 0;
  for (const [block, depth] of [...downDepths].reverse().entries()) {
    for (let layer = 0; layer <= layersPerBlock; layer++) {
      const own = `output_blocks.${output}`;
      resnet(`up_blocks.${block}.resnets.${layer}`, `${own}.0`);
      shortcut(`up_blocks.${block}.resnets.${layer}`, `${own}.0`);
      attention(`up_blocks.${block}.attentions.${layer}`, `${own}.1`, depth);
      output++;
    }
  }
  return modules;
}

const underscored = (path: string) => path.replaceAll('.', '_');

/** ComfyUI's: kohya's names of either path; with dots it wants `processor` before a projection. */
export function comfyUnetNames(blocks: UnetBlocks): Set<string> {
  return new Set(
    unetModules(blocks).flatMap(([path, own]) => {
      const dotted = path.replace('.to_', '.processor.to_').replace(/to_out\.0$/, 'to_out');
      return [
        `lora_unet_${underscored(path)}`,
        `lora_unet_${underscored(own)}`,
        `unet.${dotted}`,
        dotted,
      ];
    }),
  );
}

/** A1111's: kohya's names are turned into the authors' by rule, with three inputs a block. */
export function a1111Knows(blocks: UnetBlocks, name: string): boolean {
  const known = new Set(unetModules(blocks).map(([, own]) => underscored(own)));
  const resnets: Record<string, string> = {
    conv1: 'in_layers_2',
    conv2: 'out_layers_3',
    conv_shortcut: 'skip_connection',
  };
  const placed = name
    .replace(
      /^lora_unet_down_blocks_(\d+)_(attentions|resnets)_(\d+)_(.+)$/,
      (_, block, kind, layer, rest) =>
        `input_blocks_${1 + 3 * Number(block) + Number(layer)}_${kind === 'attentions' ? `1_${rest}` : `0_${resnets[rest] ?? rest}`}`,
    )
    .replace(
      /^lora_unet_up_blocks_(\d+)_(attentions|resnets)_(\d+)_(.+)$/,
      (_, block, kind, layer, rest) =>
        `output_blocks_${3 * Number(block) + Number(layer)}_${kind === 'attentions' ? `1_${rest}` : `0_${resnets[rest] ?? rest}`}`,
    )
    .replace(/^lora_unet_mid_block_(attentions|resnets)_(\d+)_(.+)$/, (_, kind, layer, rest) =>
      kind === 'attentions'
        ? `middle_block_1_${rest}`
        : `middle_block_${2 * Number(layer)}_${resnets[rest] ?? rest}`,
    )
    .replace(/^lora_unet_/, '');
  return known.has(placed);
}

/** Stable Diffusion 3 by its blocks; the first `dual` have a second attention. */
export interface JointBlocks {
  layers: number;
  dual: number;
}

export const sd35Medium: JointBlocks = { layers: 24, dual: 13 };
export const sd35Large: JointBlocks = { layers: 38, dual: 0 };

/** Modules that an adapter may change, by diffusers' paths; the last block only reads the text. */
export function jointPaths({ layers, dual }: JointBlocks): string[] {
  return Array.from({ length: layers }, (_, block) => {
    const last = block === layers - 1;
    const ofTheText = last ? [] : ['attn.to_add_out', 'ff_context.net.0.proj', 'ff_context.net.2'];
    return [
      ...['to_q', 'to_k', 'to_v', 'add_q_proj', 'add_k_proj', 'add_v_proj', 'to_out.0'].map(
        (name) => `attn.${name}`,
      ),
      ...(block < dual ? ['to_q', 'to_k', 'to_v', 'to_out.0'].map((name) => `attn2.${name}`) : []),
      'ff.net.0.proj',
      'ff.net.2',
      ...ofTheText,
    ].map((name) => `transformer_blocks.${block}.${name}`);
  }).flat();
}

/** The model's own modules in ComfyUI, Forge and sd-scripts, each known with underscores. */
export function jointOwnNames({ layers, dual }: JointBlocks): Set<string> {
  const names = Array.from({ length: layers }, (_, block) => {
    const last = block === layers - 1;
    return [
      'x_block_attn_qkv',
      'x_block_attn_proj',
      'x_block_mlp_fc1',
      'x_block_mlp_fc2',
      'context_block_attn_qkv',
      ...(last
        ? []
        : ['context_block_attn_proj', 'context_block_mlp_fc1', 'context_block_mlp_fc2']),
      ...(block < dual ? ['x_block_attn2_qkv', 'x_block_attn2_proj'] : []),
    ].map((name) => `lora_unet_joint_blocks_${block}_${name}`);
  });
  return new Set(names.flat());
}

/** ComfyUI knows diffusers' names of Stable Diffusion 3 as they are. */
export const comfyJointDotted = (blocks: JointBlocks) =>
  new Set(jointPaths(blocks).map((path) => `transformer.${path}`));

/** A1111 knows of Stable Diffusion 3 the image's attention, under diffusers' names alone. */
export const a1111JointDotted = ({ layers }: JointBlocks) =>
  new Set(
    Array.from({ length: layers }, (_, block) =>
      ['to_q', 'to_k', 'to_v', 'to_out.0'].map(
        (name) => `transformer.transformer_blocks.${block}.attn.${name}`,
      ),
    ).flat(),
  );

/** ComfyUI's of PixArt: diffusers' paths behind `transformer.`; so many blocks. */
export function comfyPixartNames(blocks: number): Set<string> {
  const modules = [
    ...['attn1', 'attn2'].flatMap((attn) =>
      ['to_q', 'to_k', 'to_v', 'to_out.0'].map((to) => `${attn}.${to}`),
    ),
    'ff.net.0.proj',
    'ff.net.2',
  ];
  return new Set(
    Array.from({ length: blocks }, (_, block) =>
      modules.map((module) => `transformer.transformer_blocks.${block}.${module}`),
    ).flat(),
  );
}
