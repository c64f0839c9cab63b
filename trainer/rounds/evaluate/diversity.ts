/**
 * @file How different the images of one prompt are, by an LPIPS network that a pipeline's folder
 * brings along.
 */
import { toPlanes } from '@/trainer/diffusion/images/png';
import { Lpips } from '@/trainer/rewards/lpips';
import type { Engine } from '@/trainer/runtime/engine';
import type { StoredImages } from './stored-images';

/**
 * Mean over prompts of the mean LPIPS of all pairs of one prompt's images; null where no prompt has
 * two.
 */
export async function networkDiversity(
  engine: Engine,
  network: string,
  images: StoredImages,
): Promise<number | null> {
  const sets = images.byPrompt().filter((set) => set.length > 1);
  const first = sets[0]?.[0];
  if (first === undefined) return null;
  const { height, width } = await images.image(first);
  const lpips = await Lpips.open(engine, network, [height, width]);
  try {
    const { mean } = await lpips.diversityOf(sets, async (id) => toPlanes(await images.image(id)));
    return mean;
  } finally {
    await lpips.release();
  }
}
