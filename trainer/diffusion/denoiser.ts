/** @file The UNet of one policy with its guidance, as one fixed graph for a batch of images. Built as training builds it. */

import { Builder, type Value } from '@/trainer/graph/builder';
import { fromFloat32 } from '@/trainer/graph/float16';
import type { InlineOptions } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { type Dtype, int64, sizeOf, type Tensor, tensor } from '@/trainer/graph/tensor';
import type { Engine, Session } from '@/trainer/runtime/engine';
import { PipelineError } from './files';
import { appendGuidedOutput, takesScalarTimestep, unetPort } from './guided-output';
import { valuesOf } from './networks';
import type { Pipeline } from './pipeline';

/** The tensors in which a policy differs from the pipeline's own UNet, and how they enter its graph. */
export interface PolicyWeights {
  /** The UNet to build from: the pipeline's own, or one whose weights are inputs. */
  unet: Graph;
  /** Feeds of the UNet's inputs beyond its three, by input name: names of `tensors`. */
  feeds: Record<string, Value>;
  /** Adds an adapter's path while the UNet is built; refers to `tensors` by name. */
  onNode?: InlineOptions['onNode'];
  tensors: ReadonlyMap<string, Tensor>;
}

export interface DenoiserOptions {
  /** Images denoised together. */
  images: number;
  /** Guidance scale; 1 runs without the unconditional half. */
  guidance: number;
  /** The policy; left out, it is the base. */
  policy?: PolicyWeights;
}

let count = 0;

export class Denoiser {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #pipeline: Pipeline;
  readonly #images: number;
  readonly #dtypes: { latents: Dtype; context: Dtype; timestep: Dtype };
  readonly #timestepDims: readonly number[];
  /** Several denoisers may share an engine. */
  readonly #slots: { context: string; emptyContext: string };

  private constructor(
    engine: Engine,
    session: Session,
    pipeline: Pipeline,
    images: number,
    unet: Graph,
  ) {
    this.#engine = engine;
    this.#session = session;
    this.#pipeline = pipeline;
    this.#images = images;
    this.#dtypes = {
      latents: unetPort(unet, 'sample').dtype,
      context: unetPort(unet, 'encoder_hidden_states').dtype,
      timestep: unetPort(unet, 'timestep').dtype,
    };
    this.#timestepDims = timestepDims(unet, images);
    count++;
    this.#slots = {
      context: `denoiser ${count} context`,
      emptyContext: `denoiser ${count} empty context`,
    };
  }

  /** Builds the policy's graph, its weights frozen, and loads it. */
  static async open(
    engine: Engine,
    pipeline: Pipeline,
    { images, guidance, policy }: DenoiserOptions,
  ): Promise<Denoiser> {
    const unet = policy?.unet ?? pipeline.unet.graph;
    const b = new Builder('denoiser', { ...unet.opsets });
    for (const [name, value] of policy?.tensors ?? []) b.constant(name, value);
    const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize];
    const contextType = unetPort(unet, 'encoder_hidden_states').dtype;
    const guided = appendGuidedOutput(
      b,
      unet,
      {
        sample: b.input('latents', unetPort(unet, 'sample').dtype, [
          images,
          ...pipeline.latentShape,
        ]),
        timestep: b.input('timestep', unetPort(unet, 'timestep').dtype, timestepDims(unet, images)),
        context: b.input('context', contextType, [images, ...context]),
        ...(guidance !== 1 && {
          emptyContext: b.input('emptyContext', contextType, [1, ...context]),
        }),
        guidance,
      },
      { feeds: policy?.feeds ?? {}, onNode: policy?.onNode },
    );
    b.output(guided, 'output');
    const session = await engine.load(serializeOnnx(b.finish()), {
      name: 'denoiser',
      externalDataFolder: pipeline.unet.folder,
    });
    return new Denoiser(engine, session, pipeline, images, unet);
  }

  /** The embeddings to denoise towards, one per image, and the empty prompt's to denoise away from. */
  async setPrompts(conditional: readonly Float32Array[], empty: Float32Array): Promise<void> {
    const { tokenizer, embeddingSize } = this.#pipeline;
    const dims = [tokenizer.maxLength, embeddingSize];
    const data = new Float32Array(this.#images * sizeOf(dims));
    for (const [row, embedding] of conditional.entries()) data.set(embedding, row * sizeOf(dims));
    const put = (slot: string, rows: number, values: Float32Array) =>
      this.#engine.put(slot, fromFloat32(this.#dtypes.context, [rows, ...dims], values));
    await put(this.#slots.context, this.#images, data);
    await put(this.#slots.emptyContext, 1, empty);
  }

  /** The model's guided output for x_t of all images [images, channels, height, width]. */
  async predict(latents: Float32Array, timestep: number): Promise<Float32Array> {
    const { dims, dtype } = { dims: this.#timestepDims, dtype: this.#dtypes.timestep };
    const shape = [this.#images, ...this.#pipeline.latentShape];
    const guided = this.#session.inputs.some((input) => input.name === 'emptyContext');
    const outputs = await this.#session.run({
      latents: fromFloat32(this.#dtypes.latents, shape, latents),
      timestep: timestepTensor(dtype, dims, timestep),
      context: this.#engine.slot(this.#slots.context),
      ...(guided && { emptyContext: this.#engine.slot(this.#slots.emptyContext) }),
    });
    return valuesOf(outputs, 'output');
  }

  async release(): Promise<void> {
    await this.#engine.drop(this.#slots.context, this.#slots.emptyContext);
    await this.#session.release();
  }
}

function timestepDims(unet: Graph, images: number): number[] {
  return takesScalarTimestep(unet) ? [] : [images];
}

/** Exports differ: the timestep is an integer or a float. */
function timestepTensor(dtype: Dtype, dims: readonly number[], timestep: number): Tensor {
  const values = Array<number>(sizeOf(dims)).fill(timestep);
  if (dtype === 'int64') return int64(dims, values);
  if (dtype === 'int32') return tensor('int32', dims, Int32Array.from(values));
  if (dtype.startsWith('float')) return fromFloat32(dtype, dims, Float32Array.from(values));
  throw new PipelineError(
    `The UNet's "timestep" is ${dtype}: export it with an int64 or float32 timestep.`,
  );
}
