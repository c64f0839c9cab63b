import { getBlob } from '@/db/blobs/blobs';
import { AppError } from '@/lib/errors';
import { isFinished } from '@/trainer/diffusion/sampling/trajectory';
import { filesBeside } from './images-beside';
import type { WorkFolder } from './work-folder';

interface Latents {
  path: string;
  /** `path`: from x_T to x_0; `x_0`: that is all that is kept. */
  kind: 'path' | 'x_0';
}

/** Puts the latents of images into `latents/`, each once, and says where they are and what. */
export async function latentsBeside(
  work: WorkFolder,
): Promise<(hash: string | null) => Promise<Latents | null>> {
  const known = new Map<string, Promise<Latents | null>>();
  const write = await filesBeside(work, 'latents');
  const put = async (hash: string): Promise<Latents | null> => {
    const bytes = await bytesOf(hash);
    if (!bytes) return null;
    const name = `${hash}.safetensors`;
    await write(name, bytes);
    return { path: `latents/${name}`, kind: isFinished(bytes) ? 'x_0' : 'path' };
  };
  return async (hash) => {
    if (hash === null) return null;
    const found = known.get(hash) ?? put(hash);
    known.set(hash, found);
    return found;
  };
}

/** Null where they were thrown away after their row was read. */
async function bytesOf(hash: string): Promise<Uint8Array | null> {
  try {
    return await getBlob(hash);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') return null;
    throw thrown;
  }
}
