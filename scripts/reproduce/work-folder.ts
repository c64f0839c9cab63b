/**
 * @file Where a suite keeps what it finished: one folder for each policy and pair of judges that it
 * is true of.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { judgePath } from '@/trainer/hands/judge/judge';

/** What was measured of another policy, or by other judges, is of no use: its folder is another. */
export async function workFolder(root: string, { folder }: Pipeline): Promise<string> {
  const judges = createHash('sha256');
  for (const judge of ['a', 'b'] as const) judges.update(await readFile(judgePath(judge)));
  const policy = (await pipelineHash(folder)).slice(0, 12);
  return join(root, `${policy}-${judges.digest('hex').slice(0, 12)}`);
}
