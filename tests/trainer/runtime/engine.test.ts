import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, float32, int64, tensor, zeros } from '@/trainer/graph/tensor';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { EngineDiedError, EngineError } from '@/trainer/runtime/errors';
import { addModel, externalModel, slowModel } from './models';

const ones = float32([4], [1, 1, 1, 1]);
const ramp = float32([4], [1, 2, 3, 4]);

/** True once the process is gone. */
async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await sleep(50);
  }
  return false;
}

describe('an engine', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
    folder = await mkdtemp(join(tmpdir(), 'engine-'));
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it('runs a model and tells its inputs and outputs', async () => {
    const session = await engine.load(addModel('n'), { name: 'add' });
    expect(session.inputs).toEqual([
      { name: 'a', dtype: 'float32', dims: ['n'] },
      { name: 'b', dtype: 'float32', dims: ['n'] },
    ]);
    expect(session.outputs.map((output) => output.name)).toEqual(['y']);
    const { data } = outputOf(await session.run({ a: ones, b: ramp }), 'y', 'float32');
    expect([...data]).toEqual([2, 3, 4, 5]);
    await session.release();
    await expect(session.run({ a: ones, b: ramp })).rejects.toThrow('has been released');
  });

  it('loads from a file', async () => {
    const path = join(folder, 'add.onnx');
    await writeFile(path, addModel());
    const session = await engine.load({ path }, { name: 'add' });
    expect(outputOf(await session.run({ a: ones, b: ones }), 'y', 'float32').data[3]).toBe(2);
  });

  it('finds external data in the folder it is told, or beside the file', async () => {
    const weights = float32([6], [9, 9, 10, 20, 30, 40]);
    await writeFile(join(folder, 'weights'), bytesOf(weights));
    const path = join(folder, 'external.onnx');
    await writeFile(path, externalModel(8));
    for (const session of [
      await engine.load(externalModel(8), { name: 'external', externalDataFolder: folder }),
      await engine.load({ path }, { name: 'external' }),
    ]) {
      const { data } = outputOf(await session.run({ x: ones }), 'y', 'float32');
      expect([...data]).toEqual([11, 21, 31, 41]);
    }
    await expect(
      engine.load(externalModel(12), { name: 'short', externalDataFolder: folder }),
    ).rejects.toThrow(/Loading "short".*missing or shorter/);
    await expect(
      engine.load(externalModel(8), { name: 'lost', externalDataFolder: tmpdir() }),
    ).rejects.toThrow(/Loading "lost".*missing or shorter/);
  });

  it('answers many requests made at once, each with its own result', async () => {
    const session = await engine.load(addModel(), { name: 'add' });
    const runs = Array.from({ length: 20 }, (_, i) =>
      session.run({ a: ones, b: float32([4], [i, i, i, i]) }),
    );
    const firsts = (await Promise.all(runs)).map((out) => outputOf(out, 'y', 'float32').data[0]);
    expect(firsts).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('keeps outputs in slots from run to run', async () => {
    const session = await engine.load(addModel(), { name: 'add', resident: ['y'] });
    await engine.put('total', zeros('float32', [4]));
    for (let i = 0; i < 7; i++) {
      const out = await session.run({ a: engine.slot('total'), b: ramp }, { keep: { y: 'total' } });
      expect(out).toEqual({});
    }
    expect(await engine.get('total')).toEqual(float32([4], [7, 14, 21, 28]));
    // What was read is a copy: later runs leave it alone.
    const before = await engine.get('total');
    await session.run({ a: engine.slot('total'), b: ramp }, { keep: { y: 'total' } });
    await session.run({ a: engine.slot('total'), b: ramp }, { keep: { y: 'total' } });
    expect(before).toEqual(float32([4], [7, 14, 21, 28]));
    await engine.drop('total');
    await expect(engine.get('total')).rejects.toThrow('Slot "total" is empty');
  });

  it('refuses what does not fit, and goes on', async () => {
    const session = await engine.load(addModel('n'), { name: 'add', resident: [] });
    const run = (feeds: Parameters<typeof session.run>[0], fetch?: string[]) =>
      session.run(feeds, { fetch });
    await expect(run({ a: ones })).rejects.toThrow(
      'Running "add" on cpu: Input "b" is not fed. The inputs are: a, b.',
    );
    await expect(run({ a: ones, b: ones, c: ones })).rejects.toThrow('no input "c"');
    await expect(run({ a: ones, b: int64([4], [1, 2, 3, 4]) })).rejects.toThrow(
      'Input "b" takes float32, but int64 was fed.',
    );
    await expect(run({ a: ones, b: float32([2, 2], [1, 2, 3, 4]) })).rejects.toThrow(
      'Input "b" takes shape [n], but [2,2] was fed.',
    );
    await expect(run({ a: ones, b: float32([2], [1, 2]) })).rejects.toThrow(
      'Dimension "n" is 4 in input "a", but 2 in "b" ([2]).',
    );
    await expect(run({ a: ones, b: ones }, ['z'])).rejects.toThrow(
      'There is no output "z". The outputs are: y.',
    );
    await expect(session.run({ a: ones, b: ones }, { keep: { y: 's' } })).rejects.toThrow(
      "name it in load's `resident`",
    );
    await expect(run({ a: engine.slot('void'), b: ones })).rejects.toThrow('"void" is empty');
    const half = tensor('bfloat16', [4], new Uint16Array(4));
    await expect(run({ a: half, b: ones })).rejects.toThrow('cast to float32 or float16');
    expect(outputOf(await run({ a: ones, b: ones }), 'y', 'float32').data[0]).toBe(2);
  });

  it('refuses broken models with a remedy', async () => {
    const model = addModel();
    const truncated = model.subarray(0, model.length - 9);
    await expect(engine.load(truncated, { name: 'cut' })).rejects.toThrow(
      /Loading "cut" on cpu: .*export or download it again/,
    );
    await expect(engine.load(new Uint8Array(0), { name: 'void' })).rejects.toThrow(EngineError);
    await expect(
      engine.load({ path: join(folder, 'none.onnx') }, { name: 'none' }),
    ).rejects.toThrow(/Loading "none" on cpu: .*Check the path/);
    await expect(engine.load(model, { name: 'add', resident: ['z'] })).rejects.toThrow(
      'There is no output "z" to keep. The outputs are: y.',
    );
    expect(engine.alive).toBe(true);
  });

  it('says which output is missing or of another type', async () => {
    const session = await engine.load(addModel(), { name: 'add' });
    const out = await session.run({ a: ones, b: ones });
    expect(() => outputOf(out, 'z', 'float32')).toThrow('"z" was not fetched. Fetched: y.');
    expect(() => outputOf(out, 'y', 'int64')).toThrow('must be a int64 tensor, but is float32');
  });
});

describe('an engine that ends', () => {
  let engine: Engine;
  afterEach(() => engine.close());

  it('fails what was running, and everything after, saying why', async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
    const session = await engine.load(slowModel(512, 2000), { name: 'slow' });
    const run = session.run({ x: zeros('float32', [512, 512]) });
    const rejected = expect(run).rejects.toThrow(
      /Running "slow": the cpu engine was ended by SIGKILL\. .*memory runs out/,
    );
    await sleep(50);
    process.kill(engine.pid as number, 'SIGKILL');
    await rejected;
    expect(engine.alive).toBe(false);
    await expect(engine.get('x')).rejects.toThrow(EngineDiedError);
  });

  it('is gone when closed, even in the middle of a run', async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
    const session = await engine.load(slowModel(512, 2000), { name: 'slow' });
    const run = expect(session.run({ x: zeros('float32', [512, 512]) })).rejects.toThrow(
      'the cpu engine was closed',
    );
    await engine.close();
    await run;
    expect(await gone(engine.pid as number)).toBe(true);
  });

  it('shrugs off Ctrl-C, which reaches it with its parent', async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
    process.kill(engine.pid as number, 'SIGINT');
    const session = await engine.load(addModel(), { name: 'add' });
    expect(outputOf(await session.run({ a: ones, b: ones }), 'y', 'float32').data[0]).toBe(2);
  });
});

describe('lanes of an engine', () => {
  let engine: Engine;
  afterEach(() => engine.close());
  const add = async (lane: Engine) => {
    const session = await lane.load(addModel(), { name: 'add' });
    return outputOf(await session.run({ a: ramp, b: ones }), 'y', 'float32').data[3];
  };

  it.each([
    [1, 4, 1, 1],
    [2, 4, 2, 1],
    [5, 2, 2, 2],
    [6, 4, 3, 2],
    [8, 4, 4, 2],
  ])('of %i threads, %i wanted: %i with %i each', async (threads, most, count, each) => {
    engine = await Engine.open({ device: 'cpu', threads });
    const lanes = await engine.lanes(most);
    expect(lanes.map((lane) => lane.threads)).toEqual(Array(count).fill(each));
    expect(new Set(lanes.map(({ pid }) => pid)).size).toBe(count);
    expect(await Promise.all(lanes.map(add))).toEqual(Array(count).fill(5));
  });

  it('are no more than the engine may have', async () => {
    engine = await Engine.open({ device: 'cpu', threads: 4, lanes: 1 });
    expect(await engine.lanes(4)).toEqual([engine]);
  });

  it('are opened once, share nothing but the first, and end with their engine', async () => {
    engine = await Engine.open({ device: 'cpu', threads: 2 });
    const [first, second] = (await engine.lanes(2)) as [Engine, Engine];
    const again = await engine.lanes(2);
    expect(again.map(({ pid }) => pid)).toEqual([first.pid, second.pid]);
    expect(first.pid).toBe(engine.pid);
    await engine.put('weight', ramp);
    expect(await first.get('weight')).toEqual(ramp);
    await expect(second.get('weight')).rejects.toThrow('Slot "weight" is empty');
    // Sessions of one process keep apart, whichever engine loaded them.
    expect(await Promise.all([engine, first, second].map(add))).toEqual([5, 5, 5]);
    const alone = engine.memory.rssBytes;
    expect(alone).toBeGreaterThan(second.memory.rssBytes);
    await engine.close();
    expect(await gone(second.pid as number)).toBe(true);
    await expect(engine.lanes(2)).rejects.toThrow('was closed');
  });

  it('die one by one, and the engine says so', async () => {
    engine = await Engine.open({ device: 'cpu', threads: 2 });
    const [first, second] = (await engine.lanes(2)) as [Engine, Engine];
    const session = await second.load(slowModel(512, 2000), { name: 'slow' });
    const run = expect(session.run({ x: zeros('float32', [512, 512]) })).rejects.toThrow(
      EngineDiedError,
    );
    process.kill(second.pid as number, 'SIGKILL');
    await run;
    expect(engine.alive).toBe(false);
    expect(await add(first)).toBe(5);
  });
});
