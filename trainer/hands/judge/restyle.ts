/**
 * @file Drawn hands in a generator's handwriting: encoded, mixed, partly noised, denoised by the
 * built-in UNet and decoded again (Meng et al. 2022, SDEdit). What is drawn stays; edges, light and
 * texture become the generator's.
 */
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { takeStep } from '@/trainer/diffusion/schedulers/step';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { expectDtype, float32, int64, type Tensor, tensor } from '@/trainer/graph/tensor';
import type { Random } from '@/trainer/random';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { buildClipText } from '../networks/clip-text';
import { Layers } from '../networks/layers';
import { buildUnet } from '../networks/unet';
import { IMAGE_BYTES } from '../pretrain/dataset';
import type { PipelineWeights } from '../pretrain/export';
import {
  decodeScaled,
  encodeScaled,
  LATENT_CHANNELS,
  LATENT_SIDE,
  LATENT_SIZE,
} from '../pretrain/latents';
import { SCHEDULE, TEXT_CONFIG, UNET_CONFIG } from '../pretrain/pipeline-config';
import { bytesFromImages, imagesFromBytes } from '../pretrain/vae-stage';
import { buildTokenizer, END_TOKEN, PROMPT_TOKENS, START_TOKEN } from '../tokenizer';
import { IMAGE_SIZE } from '../world/draw';

/** Denoising steps from the noise level at which an image enters. */
const STEPS = 4;

export interface RestyleInput {
  pixels: Uint8Array;
  /** Mixed into the latents by `share`; the same image where nothing is to be mixed. */
  other: Uint8Array;
  share: number;
}

export interface Restyler {
  /** Images at a time. */
  batch: number;
  /**
   * Redraws `batch` images, entering at a timestep of the noise schedule; at 0 they only pass the
   * autoencoder.
   * @returns RGB bytes, one image after the other
   */
  restyle(random: Random, images: readonly RestyleInput[], timestep: number): Promise<Uint8Array>;
}

export async function loadRestyler(
  engine: Engine,
  { vae, diffusion, scale }: PipelineWeights,
  batch: number,
): Promise<Restyler> {
  const imageDims = [batch, IMAGE_SIZE, IMAGE_SIZE, 3];
  const latentDims = [batch, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE];
  const load = (name: string, build: (b: Builder) => void) => {
    const b = new Builder(name);
    build(b);
    return engine.load(serializeOnnx(b.finish()), { name });
  };
  const layersOf = (b: Builder, weights: ReadonlyMap<string, Tensor>) =>
    new Layers(b, (name) => (b.has(name) ? name : b.constant(name, weights.get(name) as Tensor)));

  const encoder = await load('restyle: encode', (b) => {
    const layers = layersOf(b, vae);
    const encode = (name: string) =>
      encodeScaled(layers, scale, imagesFromBytes(b, b.input(name, 'uint8', imageDims)));
    const first = encode('pixels');
    const share = b.input('share', 'float32', [batch, 1, 1, 1]);
    b.output(b.add(first, b.mul(b.sub(encode('other'), first), share)), 'latents');
  });
  const unet = await load('restyle: denoise', (b) => {
    const layers = layersOf(b, diffusion);
    const ids = b.input('ids', 'int64', [batch, PROMPT_TOKENS]);
    const noise = buildUnet(layers.within('unet'), UNET_CONFIG, {
      sample: b.input('sample', 'float32', latentDims),
      timestep: b.input('timestep', 'int64', [1]),
      context: buildClipText(layers.within('text_encoder'), TEXT_CONFIG, ids),
    });
    b.output(noise, 'noise');
  });
  const decoder = await load('restyle: decode', (b) => {
    const latents = b.input('latents', 'float32', latentDims);
    b.output(bytesFromImages(b, decodeScaled(layersOf(b, vae), scale, latents)), 'painted');
  });

  const scheduler = new DdimScheduler(SCHEDULE);
  const ids = int64([batch, PROMPT_TOKENS], Array.from({ length: batch }, emptyPrompt).flat());
  const still = new Float32Array(batch * LATENT_SIZE);

  return {
    batch,
    async restyle(random, images, timestep) {
      const stack = (key: 'pixels' | 'other') => {
        const bytes = new Uint8Array(batch * IMAGE_BYTES);
        images.forEach((image, at) => {
          bytes.set(image[key], at * IMAGE_BYTES);
        });
        return tensor('uint8', imageDims, bytes);
      };
      const share = float32(
        [batch, 1, 1, 1],
        images.map((image) => image.share),
      );
      const encoded = await encoder.run({ pixels: stack('pixels'), other: stack('other'), share });
      let sample = new Float32Array(outputOf(encoded, 'latents', 'float32').data);
      if (timestep > 0) {
        const alphaBar = scheduler.alphaBar(timestep);
        const [signal, spread] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
        sample = sample.map((value) => signal * value + spread * random.gaussian());
        for (let step = STEPS; step > 0; step--) {
          const at = Math.round((timestep * step) / STEPS);
          const outputs = await unet.run({
            sample: float32(latentDims, sample),
            timestep: int64([1], [at]),
            ids,
          });
          const output = outputOf(outputs, 'noise', 'float32').data;
          const stride = Math.max(1, Math.round(timestep / STEPS));
          const inferenceSteps = Math.max(1, Math.floor(SCHEDULE.num_train_timesteps / stride));
          const coefficients = scheduler.coefficients(at, inferenceSteps, 0);
          const result = takeStep(coefficients, batch, { sample, output, noise: still });
          sample = new Float32Array(result.previous);
        }
      }
      const painted = await decoder.run({ latents: float32(latentDims, sample) });
      return expectDtype(painted.painted as Tensor, 'uint8', 'painted').data;
    },
  };
}

/** The empty prompt's ids: start, end and padding, which is the end again. */
function emptyPrompt(): number[] {
  const { vocabulary } = buildTokenizer();
  const end = vocabulary[END_TOKEN]!;
  return [vocabulary[START_TOKEN]!, ...new Array<number>(PROMPT_TOKENS - 1).fill(end)];
}
