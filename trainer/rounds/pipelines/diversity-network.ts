/** @file The LPIPS network that a pipeline's folder may bring along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readLpips } from '@/trainer/rewards/lpips';

/**
 * Where a pipeline's own network lies, if it has one: `lpips/model.onnx`, as trainer/rewards/lpips
 * takes it.
 */
export function diversityNetworkOf(pipelineFolder: string): string | undefined {
  const folder = join(pipelineFolder, 'lpips');
  return existsSync(folder) ? folder : undefined;
}

/**
 * Refuses a network that is none, before a round has spent anything. @throws GraphError that names
 * the file
 */
export async function checkDiversityNetwork(pipelineFolder: string): Promise<void> {
  const network = diversityNetworkOf(pipelineFolder);
  if (network) await readLpips(network);
}
