/**
 * @file One lane's sessions of a policy under training: its guided output, the base policy's, and
 * products backwards.
 */

import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { type DenoiseShape, denoiserFeeds } from '@/trainer/diffusion/denoise/inputs';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { type Engine, type Feeds, outputOf, type Session } from '@/trainer/runtime/engine';
import type { Optimizer } from '../optimizer/optimizer';
import { buildDenoise, buildDenoiseProduct, buildInputProduct } from '../policy/denoise';
import type { DenoisePolicy } from '../policy/guided-policy';
import type { Trainable } from '../policy/trainable';

export interface LaneDenoiserOptions {
  trainable: Trainable;
  /** Its images are the lane's. */
  shape: DenoiseShape;
  /** What the denoiser is told of the empty prompt. */
  emptyContext: Conditioning;
  /** Folder of the denoiser's external data, where it has any. */
  externalDataFolder?: string;
  /** The reference policy's trained tensors; the base policy where they are left out. */
  reference?: Adapter;
}

const referenceSlot = (name: string) => `reference ${name}`;

export class LaneDenoiser {
  /** Loaded when first asked for: most methods need two of the four. */
  readonly #sessions = new Map<string, Promise<Session>>();
  #goOn = false;
  #referencePut: Promise<void> | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly optimizer: Optimizer,
    private readonly options: LaneDenoiserOptions,
  ) {}

  /** The next product starts the gradient afresh. */
  startGradient(): void {
    this.#goOn = false;
  }

  /** Guided output for x_t of all images. @param contexts one per image */
  async predict(
    policy: DenoisePolicy | 'reference',
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
  ): Promise<Float32Array> {
    const { trainable, shape } = this.options;
    const isBase = this.#isBase(policy);
    // A reference policy of its own runs the trained policy's graph, with other tensors.
    const session = await this.#session(isBase ? 'base' : 'trained', () =>
      this.engine.load(serializeOnnx(buildDenoise(trainable, shape, isBase ? 'base' : 'trained')), {
        name: `${isBase ? 'base' : 'trained'} policy`,
        ...this.#folder,
      }),
    );
    const weights = policy === 'trained' ? this.optimizer.weights() : await this.#weightsOf(policy);
    const out = await session.run({ ...this.#feeds(latents, timestep, contexts), ...weights }, {});
    return outputOf(out, 'output', 'float32').data;
  }

  /** vᵀ·∂ε̂/∂x_t of the reference policy, ε̂ without guidance. */
  async referenceProduct(
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
    v: Float32Array,
  ): Promise<Float32Array> {
    const { trainable, shape: guided } = this.options;
    const shape = { ...guided, guidance: 1 };
    const policy = this.#isBase('reference') ? 'base' : 'trained';
    const session = await this.#session('input product', () =>
      this.engine.load(serializeOnnx(buildInputProduct(trainable, shape, policy)), {
        name: 'input product',
        ...this.#folder,
      }),
    );
    const feeds = {
      ...this.#feeds(latents, timestep, contexts, shape),
      vector: float32([shape.images, ...shape.latent], v),
      ...(await this.#weightsOf('reference')),
    };
    return outputOf(await session.run(feeds, {}), 'latentGradient', 'float32').data;
  }

  #isBase(policy: DenoisePolicy | 'reference'): boolean {
    return policy === 'base' || (policy === 'reference' && !this.options.reference);
  }

  /** What is fed of a policy that is not the trained one; nothing of the base. */
  async #weightsOf(policy: 'base' | 'reference'): Promise<Feeds> {
    const { reference, trainable } = this.options;
    if (policy === 'base' || !reference) return {};
    await this.#putReference(reference);
    return Object.fromEntries(
      trainable.tensors.map(({ name }) => [name, this.engine.slot(referenceSlot(name))]),
    );
  }

  /** Adds vᵀ·∂ε̂/∂θ to the gradient; returns vᵀ·∂ε̂/∂x_t where `throughInput`. */
  async product(
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
    v: Float32Array,
    throughInput: boolean,
  ): Promise<Float32Array | undefined> {
    const { shape } = this.options;
    const { session, through } = await this.#product(throughInput);
    const out = await session.run(
      {
        ...this.#feeds(latents, timestep, contexts),
        vector: float32([shape.images, ...shape.latent], v),
        keepSum: float32([], [this.#goOn ? 1 : 0]),
        ...this.optimizer.feeds(),
      },
      { fetch: through ? ['latentGradient'] : [], keep: this.optimizer.sums() },
    );
    this.#goOn = true;
    return throughInput ? outputOf(out, 'latentGradient', 'float32').data : undefined;
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    this.#sessions.clear();
    const { reference } = this.options;
    if (this.#referencePut && reference) {
      await this.engine.drop(...[...reference.keys()].map(referenceSlot));
    }
  }

  /** Once: they never change. */
  #putReference(reference: Adapter): Promise<void> {
    this.#referencePut ??= this.engine.putAll(
      new Map([...reference].map(([name, value]) => [referenceSlot(name), value])),
    );
    return this.#referencePut;
  }

  get #folder(): { externalDataFolder?: string } {
    const { externalDataFolder } = this.options;
    return externalDataFolder ? { externalDataFolder } : {};
  }

  /**
   * One graph for all steps, so that memory does not depend on how many are trained: once a step
   * wants the gradient at its input, the others compute it too, which costs them one convolution.
   */
  async #product(throughInput: boolean): Promise<{ session: Session; through: boolean }> {
    const name = (through: boolean) => `product${through ? ' through its input' : ''}`;
    if (throughInput && this.#sessions.has(name(false))) {
      const plain = await this.#sessions.get(name(false));
      this.#sessions.delete(name(false));
      await plain?.release();
    }
    const through = throughInput || this.#sessions.has(name(true));
    const { trainable, shape } = this.options;
    const session = await this.#session(name(through), () =>
      this.engine.load(
        serializeOnnx(buildDenoiseProduct(trainable, shape, through, this.optimizer.secondMoment)),
        {
          name: 'denoise product',
          resident: Object.keys(this.optimizer.sums()),
          ...this.#folder,
        },
      ),
    );
    return { session, through };
  }

  #session(name: string, load: () => Promise<Session>): Promise<Session> {
    const session = this.#sessions.get(name) ?? load();
    this.#sessions.set(name, session);
    return session;
  }

  #feeds(
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
    shape = this.options.shape,
  ) {
    const { trainable, emptyContext } = this.options;
    const timesteps = Array<number>(shape.images).fill(timestep);
    return denoiserFeeds(trainable.denoiser, shape, { latents, timesteps, contexts, emptyContext });
  }
}
