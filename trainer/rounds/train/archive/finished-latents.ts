/**
 * @file x_0 of stored images: the last latents of their trajectory, which are exact, where they
 * were drawn on the pipeline as it is; else what its VAE encoder makes of the PNG. Once a round is
 * done, these latents are all that is kept of a trajectory.
 */
import { getBlob } from '@/db/blobs/blobs';
import { checkedBlob } from '@/db/blobs/checked';
import { baseIdOf } from '@/db/policies/policies';
import { samplesById } from '@/db/rounds/samples';
import type { Sample } from '@/db/schema/labels';
import { AppError } from '@/lib/errors';
import { ImageEncoder } from '@/trainer/diffusion/images/image-encoder';
import { decodePng } from '@/trainer/diffusion/images/png';
import { parseFinished } from '@/trainer/diffusion/sampling/trajectory';
import type { Engine } from '@/trainer/runtime/engine';
import { BoundedCache } from '../../bounded-cache';
import type { PolicyModel } from '../../pipelines/resolve';

/** Of latents kept in memory: 4096 of Stable Diffusion's. */
const keptBytesMax = 256 * 2 ** 20;

export class FinishedLatents {
  readonly #kept = new BoundedCache<Float32Array>(keptBytesMax);
  readonly #bases = new Map<string, string>();
  #encoder: ImageEncoder | undefined;

  /** @param start what is trained: its base decides whose latents are its own */
  constructor(
    private readonly engine: Engine,
    private readonly start: PolicyModel,
  ) {}

  async of(sample: Sample): Promise<Float32Array> {
    return this.#kept.get(sample.id, async () => {
      const isExact = await this.isExact(sample);
      const value = isExact ? await exactLatents(sample) : await this.#encoded(sample);
      return { value, bytes: value.byteLength };
    });
  }

  async release(): Promise<void> {
    await this.#encoder?.release();
  }

  /** Whether an image's x_0 is as it was drawn here, and not what the encoder makes of it. */
  async isExact({ policyId, trajectoryBlob }: Sample): Promise<boolean> {
    if (trajectoryBlob === null) return false;
    return (await this.#baseOf(policyId)) === (await this.#baseOf(this.start.policy.id));
  }

  async #baseOf(policyId: string): Promise<string> {
    const base = this.#bases.get(policyId) ?? (await baseIdOf(policyId));
    this.#bases.set(policyId, base);
    return base;
  }

  async #encoded({ id, imageBlob }: Sample): Promise<Float32Array> {
    this.#encoder ??= await ImageEncoder.open(this.engine, this.start.pipeline);
    const source = `The image of sample ${id} (blob ${imageBlob})`;
    return this.#encoder.encode(decodePng(await getBlob(imageBlob), source), source);
  }
}

async function exactLatents({ id, trajectoryBlob }: Sample): Promise<Float32Array> {
  const blob = trajectoryBlob as string;
  try {
    return parseFinished(await checkedBlob(blob), `The trajectory of sample ${id} (blob ${blob})`);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'not-found') throw thrown;
    // The row was read when training began; since then all but these latents may have been given
    // up.
    const [now] = await samplesById([id]);
    if (!now || now.trajectoryBlob === blob) throw thrown;
    return exactLatents(now);
  }
}
