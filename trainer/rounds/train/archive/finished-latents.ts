/**
 * @file x_0 of stored images: the last latents of their trajectory, which are exact, where they were drawn on the pipeline as
 * it is; else what its VAE encoder makes of the PNG. Once a round is done, these latents are all that is kept of a trajectory.
 */
import { getBlob } from '@/db/blobs/blobs';
import { baseIdOf } from '@/db/policies/policies';
import { samplesById } from '@/db/rounds/samples';
import type { Sample } from '@/db/schema/labels';
import { AppError } from '@/lib/errors';
import { ImageEncoder } from '@/trainer/diffusion/images/image-encoder';
import { decodePng } from '@/trainer/diffusion/images/png';
import { parseFinished } from '@/trainer/diffusion/sampling/trajectory';
import type { Engine } from '@/trainer/runtime/engine';
import type { PolicyModel } from '../../pipelines/resolve';

/** Latents kept in memory: 16 MiB of the built-in policy's, 256 MiB of Stable Diffusion's. */
const keptMax = 4096;

export class FinishedLatents {
  readonly #known = new Map<string, Float32Array>();
  readonly #bases = new Map<string, string>();
  #encoder: ImageEncoder | undefined;

  /** @param start what is trained: its base decides whose latents are its own */
  constructor(
    private readonly engine: Engine,
    private readonly start: PolicyModel,
  ) {}

  async of(sample: Sample): Promise<Float32Array> {
    const known = this.#known.get(sample.id);
    if (known) return known;
    const latents = (await this.#isExact(sample))
      ? await exactLatents(sample)
      : await this.#encoded(sample);
    if (this.#known.size >= keptMax) this.#known.clear();
    this.#known.set(sample.id, latents);
    return latents;
  }

  async release(): Promise<void> {
    await this.#encoder?.release();
  }

  async #isExact({ policyId, trajectoryBlob }: Sample): Promise<boolean> {
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
    return parseFinished(await getBlob(blob), `The trajectory of sample ${id} (blob ${blob})`);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'not-found') throw thrown;
    // The row was read when training began; since then all but these latents may have been given up.
    const [now] = await samplesById([id]);
    if (!now || now.trajectoryBlob === blob) throw thrown;
    return exactLatents(now);
  }
}
