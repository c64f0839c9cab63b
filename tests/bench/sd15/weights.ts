/** @file The full-size UNet that is measured: a graph without weights, and random ones for it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenFolder } from '@/tests/support/golden';

interface Place {
  offset: number;
  length: number;
}

/**
 * A folder with `model.onnx` and its data (3.4 GB): the one given, or one made once on this machine
 * from the graph beside other golden data.
 * @throws Error where there is neither
 */
export async function unetFolder(given: string | undefined): Promise<string> {
  const folder = given ?? join(tmpdir(), 'darkroom-sd15-unet');
  const source = join(goldenFolder, 'sd15');
  const places = join(source, 'unet/weights.json');
  if (!existsSync(places)) {
    if (existsSync(join(folder, 'model.onnx'))) return folder;
    throw new Error(
      `${source} holds no full-size UNet. Set DARKROOM_GOLDEN to the folder of golden data, or name a folder with model.onnx by --unet.`,
    );
  }
  const tensors = JSON.parse(readFileSync(places, 'utf8')) as Place[];
  const bytes = Math.max(...tensors.map(({ offset, length }) => offset + length));
  const data = join(folder, 'model.onnx_data');
  if (existsSync(data) && statSync(data).size === bytes) return folder;
  const writing = spawn(process.execPath, [join(source, 'write-weights.mjs'), 'unet', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(writing, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The UNet's weights could not be written to ${folder}.`);
  return folder;
}
