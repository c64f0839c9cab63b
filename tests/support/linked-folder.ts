/** A copy of a folder that costs nothing: links to its files, of which some are replaced. */
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Makes `folder` like `original`, file by file as links.
 * @param changes by path: another content, or null for a file or folder left out
 */
export async function linkedFolder(
  original: string,
  folder: string,
  changes: Readonly<Record<string, string | Uint8Array | null>> = {},
): Promise<string> {
  const entries = await readdir(original, { withFileTypes: true, recursive: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const copy = join(folder, path.slice(original.length));
    await mkdir(dirname(copy), { recursive: true });
    await symlink(path, copy);
  }
  for (const [path, content] of Object.entries(changes)) {
    await rm(join(folder, path), { recursive: true, force: true });
    if (content === null) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}
