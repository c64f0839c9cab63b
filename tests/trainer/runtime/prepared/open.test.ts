import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import type { Constant } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { bytesOf, float32 } from '@/trainer/graph/tensor';
import { Engine, type LoadOptions, outputOf } from '@/trainer/runtime/engine';

let home: string;
let folder: string;
const engines: Engine[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'prepared-'));
  folder = join(home, 'prepared');
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await rm(home, { recursive: true });
});

async function open({ mostBytes = 1e9, leastBytes = 1e6, on = true } = {}): Promise<Engine> {
  const prepared = on ? { folder, mostBytes, leastBytes } : undefined;
  const engine = await Engine.open({ device: 'cpu', threads: 1, prepared });
  engines.push(engine);
  return engine;
}

const wave = (length: number, phase: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7 + phase) / 30);

/** Products with a weight both ways round, and a convolution: 4 MB for each of `count` weights. */
function network(count: number, phase: number, place?: (data: Float32Array) => Constant) {
  const size = 1024;
  const b = new Builder('network');
  let x = b.input('x', 'float32', [8, size]);
  for (let i = 0; i < count; i++) {
    const data = wave(size * size, i + phase);
    const weight = b.constant(`w${i}`, place?.(data) ?? float32([size, size], data));
    x = b.matmul(x, weight);
    x = b.op('Gemm', [x, weight], { transB: 1 });
  }
  const filter = b.constant('filter', float32([16, 8, 3, 3], wave(16 * 72, 9)));
  const image = b.reshape(x, [1, 8, 32, 32]);
  b.output(b.op('Conv', [image, filter], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), 'y');
  return serializeOnnx(b.finish());
}

async function result(
  engine: Engine,
  model: Uint8Array,
  options: Partial<LoadOptions> = {},
): Promise<Float32Array> {
  const session = await engine.load(model, { name: 'network', ...options });
  const outputs = await session.run({ x: float32([8, 1024], wave(8 * 1024, 5)) });
  await session.release();
  return outputOf(outputs, 'y', 'float32').data;
}

const kept = () => (existsSync(folder) ? readdirSync(folder) : []);
const only = () => {
  expect(kept()).toHaveLength(1);
  return join(folder, kept()[0]!);
};
const lengthOf = (name: string) => statSync(join(only(), name)).size;

/** Lies in a prepared network for as long as nobody writes it anew. */
function mark(network: string): { stands: () => boolean } {
  const path = join(network, 'mark');
  writeFileSync(path, '');
  return { stands: () => existsSync(path) };
}

it('computes the same bits from what was prepared, now and by the next process', async () => {
  const model = network(2, 0);
  const plain = await result(await open({ on: false }), model);
  expect(kept()).toEqual([]);
  expect(await result(await open(), model)).toEqual(plain);
  expect(lengthOf('weights')).toBeGreaterThan(8 * 2 ** 20);
  const first = mark(only());
  expect(await result(await open(), model)).toEqual(plain);
  expect(first.stands()).toBe(true);
});

it('leaves small networks, and what is to be run as it is written, alone', async () => {
  const engine = await open({ leastBytes: 10e6 });
  await result(engine, network(2, 0));
  const large = await open();
  await result(large, network(2, 0), { prepacking: false });
  await result(large, network(2, 0), { optimization: 'basic' });
  expect(kept()).toEqual([]);
});

it('reads weights beside a graph, and prepares it anew when they have changed', async () => {
  const place = (data: Float32Array): Constant => ({
    dtype: 'float32',
    dims: [1024, 1024],
    external: { location: 'weights.bin', offset: 0, length: data.byteLength },
  });
  const model = network(1, 0, place);
  const weights = join(home, 'weights.bin');
  const write = (phase: number) =>
    writeFile(weights, bytesOf(float32([1024, 1024], wave(1024 * 1024, phase))));
  await write(0);
  const engine = await open();
  const options = { externalDataFolder: home };
  expect(await result(engine, model, options)).toEqual(await result(engine, network(1, 0)));
  expect(kept()).toHaveLength(2);
  await write(1);
  const changed = await result(await open(), model, options);
  expect(changed).toEqual(await result(await open({ on: false }), network(1, 1)));
});

it('makes a damaged or foreign network anew', async () => {
  const model = network(2, 0);
  const plain = await result(await open({ on: false }), model);
  await result(await open(), model);
  const damage: Record<string, (file: Buffer) => Buffer> = {
    weights: (file) => {
      file[5_000_000]! ^= 1;
      return file;
    },
    'model.onnx': (file) => file.subarray(0, 100),
    'manifest.json': (file) => Buffer.from(file.toString().replace('"1.', '"0.')),
  };
  for (const [name, harm] of Object.entries(damage)) {
    const path = join(only(), name);
    const first = mark(only());
    writeFileSync(path, harm(readFileSync(path)));
    expect(await result(await open(), model), name).toEqual(plain);
    expect(first.stands(), name).toBe(false);
    const next = mark(only());
    expect(await result(await open(), model), name).toEqual(plain);
    expect(next.stands(), name).toBe(true);
  }
});

it('reads a network through once after each start of the machine', async () => {
  const model = network(2, 0);
  const plain = await result(await open({ on: false }), model);
  await result(await open(), model);
  expect(await result(await open(), model)).toEqual(plain);
  const stamp = join(only(), 'checked');
  const noted = readFileSync(stamp, 'utf8');
  const first = mark(only());
  // As after another start; what is whole stands.
  writeFileSync(stamp, noted.replace(/^\S+/, 'another start'));
  expect(await result(await open(), model)).toEqual(plain);
  expect(readFileSync(stamp, 'utf8')).toBe(noted);
  expect(first.stands()).toBe(true);
});

it('is prepared by two processes at once, and kept once', async () => {
  const model = network(2, 0);
  const both = await Promise.all([open(), open()]);
  const [one, other] = await Promise.all(both.map((engine) => result(engine, model)));
  expect(one).toEqual(other);
  only();
});

it('loses nothing to a kill while it is written', async () => {
  const model = network(12, 0);
  const engine = await open();
  const loading = result(engine, model);
  const partial = () => kept().find((name) => name.endsWith('.partial'));
  while (!partial()) await sleep(2);
  const writer = Number(partial()!.split('.')[1]);
  expect(writer).not.toBe(engine.pid);
  process.kill(writer, 'SIGKILL');
  // Nobody waits for it: the network runs as it is.
  const plain = await result(await open({ on: false }), model);
  expect(await loading).toEqual(plain);
  expect(kept().every((name) => name.endsWith('.partial'))).toBe(true);
  expect(await result(await open(), model)).toEqual(plain);
  expect(only()).not.toContain('partial');
});

it('keeps no more bytes than it may, and what was used last', async () => {
  const [first, second, third] = [0, 10, 20].map((phase) => network(2, phase)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  await result(await open(), first);
  const bytes = lengthOf('weights');
  const ofFirst = mark(only());
  const engine = await open({ mostBytes: 2.5 * bytes });
  await result(engine, second);
  const ofSecond = mark(
    join(folder, kept().find((name) => !existsSync(join(folder, name, 'mark')))!),
  );
  await sleep(20);
  await result(engine, first);
  await result(engine, third);
  expect(kept()).toHaveLength(2);
  expect([ofFirst.stands(), ofSecond.stands()]).toEqual([true, false]);
});

it('tries once what is too large to be kept, and runs it as it is', async () => {
  const model = network(2, 0);
  const plain = await result(await open({ on: false }), model);
  const mostBytes = 1.3 * model.length;
  expect(await result(await open({ mostBytes }), model)).toEqual(plain);
  expect(readdirSync(only())).toEqual(['manifest.json']);
  const first = mark(only());
  expect(await result(await open({ mostBytes }), model)).toEqual(plain);
  expect(first.stands()).toBe(true);
  expect(await result(await open(), model)).toEqual(plain);
  expect(lengthOf('weights')).toBeGreaterThan(mostBytes);
});

it('runs as it is where the folder cannot be written', async () => {
  writeFileSync(folder, 'a file');
  const model = network(2, 0);
  expect(await result(await open(), model)).toEqual(await result(await open({ on: false }), model));
});
