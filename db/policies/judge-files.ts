/**
 * @file The networks of judges that were taken over from elsewhere, each a file of the data folder
 * named after its own hash (`judges/`). Not blobs: whoever has the package makes them anew.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { darkroomHome } from '../client';
import { fileMode, folderMode } from '../private-home';

/** Where the network with this hash lies, if it is there. */
export function judgeFile(hash: string): string {
  return join(darkroomHome(), 'judges', `${hash}.onnx`);
}

export function hasJudgeFile(hash: string): boolean {
  return existsSync(judgeFile(hash));
}

/** Keeps a network and returns its hash. */
export async function keepJudgeFile(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256').update(bytes).digest('hex');
  const path = judgeFile(hash);
  await mkdir(join(darkroomHome(), 'judges'), { recursive: true, mode: folderMode });
  const temporary = `${path}.${randomUUID()}.part`;
  await writeFile(temporary, bytes, { mode: fileMode });
  await rename(temporary, path);
  return hash;
}
