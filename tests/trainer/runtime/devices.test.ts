import { afterEach, describe, expect, it, vi } from 'vitest';
import { float32, int64, zeros } from '@/trainer/graph/tensor';
import { probeDevices } from '@/trainer/runtime/devices';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { softwareDriver } from '@/trainer/runtime/vulkan';
import { addModel, twoEpsilonsModel } from './models';

afterEach(() => vi.unstubAllEnvs());

describe('devices', () => {
  it('opens the cpu always', async () => {
    const [report] = await probeDevices(['cpu']);
    expect(report).toMatchObject({ device: 'cpu', opened: true });
  });

  it.runIf(process.platform === 'linux')(
    'says what to do where a device cannot be opened',
    async () => {
      // A driver file that is not there hides every real one.
      vi.stubEnv('VK_ICD_FILENAMES', '/nonexistent/icd.json');
      vi.stubEnv('VK_DRIVER_FILES', '');
      const [report] = await probeDevices(['webgpu']);
      expect(report).toMatchObject({ opened: false });
      expect(report).toHaveProperty('reason', expect.stringContaining('No graphics adapter'));
    },
  );
});

describe.skipIf(!softwareDriver())('webgpu on a software adapter', () => {
  it('opens, and its adapter is named', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
    expect(await probeDevices(['webgpu'])).toMatchObject([
      { opened: true, adapter: 'SwiftShader (software)' },
    ]);
  });

  it('keeps outputs in the memory of the device, and reads them back', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
    const engine = await Engine.open({ device: 'webgpu', threads: 1 });
    const session = await engine.load(addModel(), { name: 'add', resident: ['y'] });
    await engine.put('total', zeros('float32', [4]));
    const step = float32([4], [1, 2, 3, 4]);
    for (let i = 0; i < 5; i++) {
      await session.run({ a: engine.slot('total'), b: step }, { keep: { y: 'total' } });
    }
    expect(await engine.get('total')).toEqual(float32([4], [5, 10, 15, 20]));
    await expect(
      session.run({ a: step, b: step }, { fetch: ['y'], keep: { y: 'total' } }),
    ).rejects.toThrow('is kept on the device: get its slot instead');
    const plain = await engine.load(addModel(), { name: 'add' });
    const sum = await plain.run({ a: engine.slot('total'), b: step });
    expect([...outputOf(sum, 'y', 'float32').data]).toEqual([6, 12, 18, 24]);
    await engine.put('counter', int64([1], [7]));
    expect(await engine.get('counter')).toEqual(int64([1], [7]));
    await engine.close();
  });

  it('keeps what a session left after the session is released', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
    const engine = await Engine.open({ device: 'webgpu', threads: 1 });
    const step = float32([4], [1, 2, 3, 4]);
    await engine.put('total', zeros('float32', [4]));
    for (let i = 1; i <= 3; i++) {
      const session = await engine.load(addModel(), { name: 'add', resident: ['y'] });
      await session.run({ a: engine.slot('total'), b: step }, { keep: { y: 'total' } });
      await session.release();
      expect(await engine.get('total')).toEqual(
        float32(
          [4],
          [1, 2, 3, 4].map((x) => i * x),
        ),
      );
    }
    await engine.drop('total');
    await engine.put('other', step);
    expect(await engine.get('other')).toEqual(step);
    await engine.close();
  });

  it('normalizes each layer with its own epsilon', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
    const model = twoEpsilonsModel();
    // Small numbers, for which the epsilon decides.
    const x = float32([1, 2, 4], [0.001, -0.002, 0.003, 0.001, 0.002, 0, -0.001, 0.004]);
    const results = await Promise.all(
      (['cpu', 'webgpu'] as const).map(async (device) => {
        const engine = await Engine.open({ device, threads: 1 });
        const session = await engine.load(model, { name: 'two epsilons' });
        const outputs = await session.run({ x });
        await engine.close();
        return ['y0', 'y1', 'y2'].flatMap((name) => [...outputOf(outputs, name, 'float32').data]);
      }),
    );
    const [cpu = [], webgpu = []] = results;
    for (const [i, value] of cpu.entries()) expect(webgpu[i]).toBeCloseTo(value, 5);
  });
});
