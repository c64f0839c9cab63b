import { mkdir, mkdtemp, realpath, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { type Constant, type ExternalTensor, type Graph, isExternal } from '@/trainer/graph/model';
import {
  externalDataFolderOf,
  locateExternalData,
  openGraphFile,
} from '@/trainer/graph/onnx/external-data';
import {
  loadConstant,
  parseOnnx,
  readOnnxFile,
  withConstantsInMemory,
} from '@/trainer/graph/onnx/read';
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
    await writeFile(join(store, 'def'), '');
    await symlink(join(store, 'def'), join(model, 'model.onnx'));
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

  it('that is shorter than said', async () => {
    await writeFile(join(root, 'data.bin'), new Uint8Array(4 * length - 1));
    const short = /initializer "weight".*data\.bin ends after 7999 bytes where 8000 are needed/;
    await expect(locateExternalData(adding(root, 'data.bin'))).rejects.toThrow(short);
    const { constants, ...graph } = adding(root, 'data.bin');
    await expect(
      loadConstant(constants.get('weight') as Constant, { constants, ...graph }, 'weight'),
    ).rejects.toThrow(short);
  });

  it('that a link fetches from elsewhere', async () => {
    const [model, elsewhere] = [join(root, 'model'), join(root, 'model-private')];
    await mkdir(model);
    await mkdir(elsewhere);
    await writeWeight(join(elsewhere, 'secret'), 3);
    await symlink(join(elsewhere, 'secret'), join(model, 'data.bin'));
    await writeFile(join(model, 'model.onnx'), serializeOnnx(adding(model, 'data.bin')));
    const linked =
      /data\.bin is a link to .+secret, outside the model's folder\. Put the data itself/;
    await expect(openGraphFile(join(model, 'model.onnx'))).rejects.toThrow(linked);
    await expect(
      withConstantsInMemory(await readOnnxFile(join(model, 'model.onnx'))),
    ).rejects.toThrow(linked);
  });

  it.each(['../data.bin', '/etc/passwd', 'a/../../data.bin', 'C:\\data.bin', '..\\data.bin'])(
    'at %s, by whoever reads the graph',
    async (location) => {
      const path = join(root, 'model.onnx');
      await writeFile(path, serializeOnnx(adding(root, location)));
      const outside = /initializer "weight".*outside the model's folder\. Put the data beside/;
      for (const read of [readOnnxFile, openGraphFile]) {
        await expect(read(path)).rejects.toThrow(outside);
      }
    },
  );

  it.each([
    { offset: -4, length: 8000 },
    { offset: 0.5, length: 8000 },
    { offset: 0, length: 4 },
  ])('that cannot be where it is said to be: %j', (place) => {
    const graph = adding(root, 'data.bin');
    const weight = graph.constants.get('weight') as ExternalTensor;
    graph.constants.set('weight', { ...weight, external: { ...weight.external, ...place } });
    expect(() => parseOnnx(serializeOnnx(graph), 'm')).toThrow(
      `initializer "weight" of shape [2000] takes 8000 bytes, but is said to be ${place.length} from ${place.offset} on`,
    );
  });
});

it('a graph file is opened with the folder that really holds its data', async () => {
  const [model, store] = [join(root, 'snapshot/unet'), join(root, 'blobs')];
  await mkdir(model, { recursive: true });
  await mkdir(store);
  await writeWeight(join(store, 'abc'), 3);
  await writeFile(join(store, 'def'), serializeOnnx(adding(model, 'model.onnx_data')));
  await symlink(join(store, 'abc'), join(model, 'model.onnx_data'));
  await symlink(join(store, 'def'), join(model, 'model.onnx'));
  const { graph, folder } = await openGraphFile(join(model, 'model.onnx'));
  expect(folder).toBe(store);
  const session = await engine.load(serializeOnnx(graph), {
    name: 'linked',
    externalDataFolder: folder,
  });
  const out = await session.run({ x: float32([length], new Float32Array(length)) });
  await session.release();
  expect(outputOf(out, 'y', 'float32').data[0]).toBe(3);
  const { constants } = await withConstantsInMemory(graph);
  expect(constants.get('weight')).toEqual(float32([length], new Float32Array(length).fill(3)));
});

it('the data of a Constant node may lie in a file, too', async () => {
  await writeWeight(join(root, 'data.bin'), 5);
  const graph = adding(root, 'data.bin');
  const weight = graph.constants.get('weight') as ExternalTensor;
  graph.constants.clear();
  graph.nodes.unshift({
    name: 'held',
    op: 'Constant',
    domain: '',
    inputs: [],
    outputs: ['weight'],
    attributes: { value: { kind: 'tensor', value: weight as never } },
  });
  const path = join(root, 'model.onnx');
  await writeFile(path, serializeOnnx(graph));
  expect(await through([await locateExternalData(await readOnnxFile(path))], root)).toBe(5);
});
