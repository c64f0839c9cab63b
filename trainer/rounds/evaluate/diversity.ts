/** @file How different the images of one prompt are, by an LPIPS network that a pipeline's folder brings along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toPlanes } from '@/trainer/diffusion/images/png';
import type { JudgedImage } from '@/trainer/judging';
import { Lpips, readLpips } from '@/trainer/rewards/lpips';
import type { Engine } from '@/trainer/runtime/engine';

/** Where a pipeline's own network lies, if it has one: `lpips/model.onnx`, as trainer/rewards/lpips takes it. */
function networkOf(pipelineFolder: string): string | undefined {
  const folder = join(pipelineFolder, 'lpips');
  return existsSync(folder) ? folder : undefined;
}

/** Refuses a network that is none, before a round has spent anything. @throws GraphError that names the file */
export async function checkDiversityNetwork(pipelineFolder: string): Promise<void> {
  const network = networkOf(pipelineFolder);
  if (network) await readLpips(network);
}

/**
 * Mean over prompts of the mean LPIPS of all pairs of one prompt's images; null where no prompt has two. Undefined where
 * the pipeline brings no network, whose images are then not read.
 */
export async function networkDiversity(
  engine: Engine,
  pipelineFolder: string,
  read: () => Promise<readonly JudgedImage[]>,
): Promise<number | null | undefined> {
  const network = networkOf(pipelineFolder);
  if (!network) return undefined;
  const images = await read();
  const [first] = images;
  const prompts = [...new Set(images.map(({ prompt }) => prompt))];
  const sets = prompts
    .map((prompt) => images.filter((one) => one.prompt === prompt))
    .filter((set) => set.length > 1);
  if (!first || sets.length === 0) return null;
  const lpips = await Lpips.open(engine, network, [first.image.height, first.image.width]);
  try {
    const planes = sets.map((set) => set.map(({ image }) => toPlanes(image)));
    return (await lpips.diversity(planes)).mean;
  } finally {
    await lpips.release();
  }
}
