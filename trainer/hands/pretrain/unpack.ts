/**
 * @file Turns a written policy back into checkpoints, so that training goes on where it ended, on
 * any machine that has the repository. AdamW's moments are not shipped and start at zero; the
 * warm-up covers for them.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { type Constant, type Graph, GraphError, isExternal } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { formatDims, reshaped, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { buildVaeDecoder, buildVaeEncoder, VAE_CONFIG } from '../networks/vae';
import { saveCheckpoint } from './checkpoint';
import { LATENT_CHANNELS, LATENT_SIDE, type LatentScale, scalePath } from './latents';
import { log } from './stage';
import { freshState, type Network, parametersOf } from './training';
import { VAE_SETTINGS } from './vae-stage';

const IMAGE = [1, 3, VAE_CONFIG.imageSize, VAE_CONFIG.imageSize];
const LATENT = [1, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE];

/**
 * The weights of `network` in its exported graph. The export folds scales and shifts of
 * normalisations into constants [channels, 1, 1] without a name, which stand in the order in which
 * the network asks for them.
 */
function weightsIn(graph: Graph, network: Network): [string, Tensor][] {
  const folded = [...graph.constants.values()].filter(
    ({ dims }) => dims.length === 3 && dims[1] === 1 && dims[2] === 1,
  );
  return parametersOf(graph.name, network).map(({ name, dims }) => {
    const constant = graph.constants.get(name) ?? folded.shift();
    if (!constant || isExternal(constant) || sizeOf(constant.dims) !== sizeOf(dims)) {
      throw new GraphError(
        `${graph.source} holds no weight "${name}" of shape ${formatDims(dims)}, so it is of another network; name a folder that \`npm run pretrain\` wrote with --policy.`,
      );
    }
    return [name, reshaped(constant, dims)];
  });
}

/** The decoder begins with latents * deviation + mean. */
function scaleIn(decoder: Graph): LatentScale {
  const perChannel = decoder.nodes.slice(0, 2).map(({ inputs }): Constant | undefined => {
    return decoder.constants.get(inputs[1]!);
  });
  const [deviation, mean] = perChannel.map((constant) => {
    if (!constant || isExternal(constant) || constant.dtype !== 'float32') {
      throw new GraphError(
        `${decoder.source} does not begin with its latents' scale, so it was not written by \`npm run pretrain\`; name a folder that was with --policy.`,
      );
    }
    return Array.from(constant.data);
  }) as [number[], number[]];
  return { mean, deviation };
}

/**
 * Writes the checkpoints of a finished autoencoder and of a diffusion stage at step 0 into
 * `folder`.
 */
export async function unpackPolicy(policy: string, folder: string, latents: string): Promise<void> {
  const vaePath = join(folder, 'vae.safetensors');
  const diffusionPath = join(folder, 'diffusion.safetensors');
  const taken = [vaePath, diffusionPath].find((path) => existsSync(path));
  if (taken) {
    throw new Error(`${taken} is there already; unpack into an empty folder (--folder).`);
  }
  const [decoder, encoder] = (await Promise.all(
    ['vae_decoder', 'vae_encoder'].map((part) => readOnnxFile(join(policy, part, 'model.onnx'))),
  )) as [Graph, Graph];
  const vae = new Map([
    ...weightsIn(encoder, (layers) => ({
      latents: buildVaeEncoder(
        layers,
        VAE_CONFIG,
        layers.builder.input('images', 'float32', IMAGE),
      ),
    })),
    ...weightsIn(decoder, (layers) => ({
      images: buildVaeDecoder(
        layers,
        VAE_CONFIG,
        layers.builder.input('latents', 'float32', LATENT),
      ),
    })),
  ]);
  const diffusion = new Map<string, Tensor>();
  for (const [part, file] of [
    ['unet', 'diffusion_pytorch_model.safetensors'],
    ['text_encoder', 'model.safetensors'],
  ] as const) {
    const { tensors } = await readSafetensors(join(policy, part, file));
    for (const [name, tensor] of tensors) diffusion.set(`${part}.${name}`, tensor);
  }
  saveCheckpoint(vaePath, { step: VAE_SETTINGS.steps, state: freshState(vae) });
  saveCheckpoint(diffusionPath, { step: 0, state: freshState(diffusion) });
  writeFileSync(scalePath(latents), `${JSON.stringify(scaleIn(decoder))}\n`);
  log(folder, `unpacked ${policy}`);
}
