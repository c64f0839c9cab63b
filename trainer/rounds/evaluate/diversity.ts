/** @file How different the images of one prompt are, by an LPIPS network that a pipeline's folder brings along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toPlanes } from '@/trainer/diffusion/images/png';
import { Lpips, readLpips } from '@/trainer/rewards/lpips';
import type { Engine } from '@/trainer/runtime/engine';
import type { StoredImages } from './stored-images';

/** Where a pipeline's own network lies, if it has one: `lpips/model.onnx`, as trainer/rewards/lpips takes it. */
export function diversityNetworkOf(pipelineFolder: string): string | undefined {
  const folder = join(pipelineFolder, 'lpips');
  return existsSync(folder) ? folder : undefined;
}

/** Refuses a network that is none, before a round has spent anything. @throws GraphError that names the file */
export async function checkDiversityNetwork(pipelineFolder: string): Promise<void> {
  const network = diversityNetworkOf(pipelineFolder);
  if (network) await readLpips(network);
}

/** Mean over prompts of the mean LPIPS of all pairs of one prompt's images; null where no prompt has two. */
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
