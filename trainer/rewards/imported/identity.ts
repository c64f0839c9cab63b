/** @file The name of an imported reward model: what it is, which version, and a hash of its files, so that no two are mixed. */

import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesHash } from '@/trainer/diffusion/pipeline-hash';
import { isExternal } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import type { Manifest } from './manifest';

/** `name (layout version, hash)`: the hash is of everything that decides a score. */
export async function nameOf(folder: string, manifest: Manifest): Promise<string> {
  const { image, text, head } = manifest;
  const models = [image.file, text?.file, head?.file].filter((file) => file !== undefined);
  const files = new Set(['reward.json', ...models]);
  for (const model of models) {
    const graph = await readOnnxFile(join(folder, model));
    for (const constant of graph.constants.values()) {
      if (isExternal(constant)) files.add(join(dirname(model), constant.external.location));
    }
  }
  if (text) {
    const entries = await readdir(join(folder, text.folder)).catch(() => []);
    for (const entry of entries) {
      if (/\.(json|txt)$/.test(entry)) files.add(join(text.folder, entry));
    }
  }
  const hash = await filesHash(folder, [...files].map((file) => file.replaceAll('\\', '/')).sort());
  return `${manifest.name} (${manifest.layout} ${manifest.version}, ${hash.slice(0, 8)})`;
}
