import { mkdir, mkdtemp, realpath, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { type Graph, isExternal } from '@/trainer/graph/model';
import { externalDataFolderOf, locateExternalData } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { bytesOf, float32 } from '@/trainer/graph/tensor';
import { Engine, outputOf } from '@/trainer/runtime/engine';

/** More than is read into memory. */
const length = 2000;

let engine: Engine;
let root: string;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'darkroom-data-')));
});

/** x + a weight of `value`s that lies in `folder`/`location`. */
function adding(folder: string, location: string, size = length): Graph {
  const b = new Builder('adding');
  b.graph.source = join(folder, 'model.onnx');
  const x = b.input('x', 'float32', [size]);
  const external = { location, offset: 0, length: 4 * size };
  b.output(b.add(x, b.constant('weight', { dtype: 'float32', dims: [size], external })), 'y');
  return b.finish();
}

async function writeWeight(path: string, value: number): Promise<void> {
  await writeFile(path, bytesOf(float32([length], new Float32Array(length).fill(value))));
}

/** First value of 0 through all graphs in turn. */
async function through(graphs: readonly Graph[], folder: string): Promise<number | undefined> {
  const b = new Builder('both');
  let value = b.input('x', 'float32', [length]);
  for (const graph of graphs) value = inline(b, graph, { feeds: { x: value } }).y as string;
  b.output(value, 'sum');
  const graph = b.finish();
  const externalDataFolder = await externalDataFolderOf(graph, folder);
  const session = await engine.load(serializeOnnx(graph), {
    name: 'both',
    ...(externalDataFolder && { externalDataFolder }),
  });
  const out = await session.run({ x: float32([length], new Float32Array(length)) });
  await session.release();
  return outputOf(out, 'sum', 'float32').data[0];
}

describe('graphs of several folders become one', () => {
  it('with files of one name, one of them still named from its own folder', async () => {
    const [one, other] = [join(root, 'a/deep'), join(root, 'b')];
    await mkdir(one, { recursive: true });
    await mkdir(other);
    await writeWeight(join(one, 'data.bin'), 1);
    await writeWeight(join(other, 'data.bin'), 20);
    const located = await locateExternalData(adding(other, 'data.bin'));
    expect(await through([adding(one, 'data.bin'), located], one)).toBe(21);
    // The graphs that went in are as they were.
    const kept = located.constants.get('weight');
    expect(kept && isExternal(kept) && kept.external.location).toBe(join(other, 'data.bin'));
  });

  it('with files that are links to a store elsewhere', async () => {
    const [model, store] = [join(root, 'model'), join(root, 'store')];
    await mkdir(model);
    await mkdir(store);
    await writeWeight(join(store, 'abc'), 3);
    await symlink(join(store, 'abc'), join(model, 'data.bin'));
    const graph = adding(model, 'data.bin');
    expect(await through([graph], model)).toBe(3);
    expect(await through([await locateExternalData(graph)], model)).toBe(3);
  });
});

it('a graph without such data needs no folder', async () => {
  const b = new Builder('none');
  b.output(b.neg(b.input('x', 'float32', [1])), 'y');
  expect(await externalDataFolderOf(b.finish(), root)).toBeUndefined();
});

it('small constants are read: shapes are computed from them', async () => {
  await writeWeight(join(root, 'data.bin'), 7);
  const { constants } = await locateExternalData(adding(root, 'data.bin', 16));
  expect(constants.get('weight')).toEqual(float32([16], new Float32Array(16).fill(7)));
});

describe('data is refused', () => {
  it('that is missing', async () => {
    await expect(locateExternalData(adding(root, 'gone.bin'))).rejects.toThrow(
      /model\.onnx, initializer "weight".*gone\.bin cannot be opened/,
    );
  });

  it.each(['../data.bin', '/etc/passwd', 'a/../../data.bin'])('at %s', async (location) => {
    await expect(locateExternalData(adding(root, location))).rejects.toThrow(
      /outside the model's folder/,
    );
  });
});
