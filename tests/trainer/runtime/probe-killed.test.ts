import { expect, it, vi } from 'vitest';
import { probeDevices } from '@/trainer/runtime/devices';
import { killNext } from './killed-while-opening';

vi.mock(import('node:child_process'), async (original) => {
  const { deadlySpawn } = await import('./killed-while-opening');
  return deadlySpawn(original);
});

it('a device is tried once more when its process was killed while it opened', async () => {
  killNext(1);
  expect(await probeDevices(['cpu'])).toMatchObject([{ opened: true }]);
});

it('a device whose process dies every time does not open, with the reason', async () => {
  killNext(2);
  const [report] = await probeDevices(['cpu']);
  expect(report).toMatchObject({
    opened: false,
    reason: expect.stringMatching(/^the cpu engine was ended by SIGKILL/),
  });
});
