/**
 * Nobody is asked to judge what a broken network made of noise, and no round fails later for
 * another reason.
 */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listSamples } from '@/db/rounds/samples';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import {
  baseOn,
  quickConfig,
  startRunFrom,
  untilRound,
  withTinyPipeline,
  withWorker,
} from './support';

const pipeline = withTinyPipeline();
withWorker();

it.each(['vae_decoder', 'unet'])(
  'a round with a broken %s stops at its first image',
  async (network) => {
    const folder = `${pipeline.folder} ${network}`;
    await cp(pipeline.folder, folder, { recursive: true });
    const path = join(folder, network, 'model.onnx');
    const graph = await readOnnxFile(path);
    const node = graph.nodes.find(({ op }) => op === 'Conv')!;
    const weight = graph.constants.get(node.inputs[1]!)!;
    if ('data' in weight) (weight.data as Float32Array).fill(Number.NaN);
    await writeFile(path, serializeOnnx(graph));

    const round = await startRunFrom(await baseOn(folder), quickConfig);
    const { error } = await untilRound(round.id, ({ state }) => state === 'failed');
    expect(error).toContain(`of ${path} gave NaN (no number). It began at node "`);
    expect(error).toContain(`whose weight "${node.inputs[1]}" is no number itself`);
    expect(await listSamples({ roundId: round.id })).toEqual([]);
  },
);
