/** @file The full-size UNet that is measured: a graph without weights, and random ones for it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenFolder } from '@/tests/support/golden';

interface Place {
  name: string;
  offset: number;
  length: number;
  scale: number;
}

/**
 * A folder with `model.onnx` and its data (3.4 GB): the one given, or one made once on this machine
 * from the graph beside other golden data.
 * @throws Error where there is neither
 */
export async function unetFolder(given: string | undefined): Promise<string> {
  const source = join(goldenFolder, 'sd15');
  const places = join(source, 'unet/weights.json');
  if (given !== undefined) {
    if (existsSync(join(given, 'model.onnx'))) return given;
    throw new Error(`--unet ${given} holds no model.onnx. Name the folder of an exported UNet.`);
  }
  if (!existsSync(places)) {
    throw new Error(
      `${source} holds no full-size UNet. Set DARKROOM_GOLDEN to the folder of golden data, or name a folder with model.onnx by --unet.`,
    );
  }
  const folder = join(tmpdir(), 'darkroom-sd15-unet');
  const tensors = JSON.parse(readFileSync(places, 'utf8')) as Place[];
  const bytes = Math.max(...tensors.map(({ offset, length }) => offset + length));
  const data = join(folder, 'model.onnx_data');
  if (existsSync(data) && statSync(data).size === bytes) return folder;
  // Whoever is stopped while writing leaves nothing that looks whole.
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const writing = spawn(process.execPath, [join(source, 'write-weights.mjs'), 'unet', partial], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(writing, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The UNet's weights could not be written to ${folder}.`);
  scaleNorms(join(partial, 'model.onnx_data'), tensors);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return folder;
}

/**
 * Group norms that multiply by 0, as they are drawn, would make the output the same for any input
 * and every gradient 0: theirs become 1.
 */
function scaleNorms(data: string, tensors: readonly Place[]): void {
  const file = openSync(data, 'r+');
  for (const { name, offset, length, scale } of tensors) {
    if (scale !== 0 || !name.startsWith('onnx::Mul')) continue;
    writeSync(file, new Float32Array(length / 4).fill(1), 0, length, offset);
  }
  closeSync(file);
}
