import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { preparedNetworks } from '@/scripts/doctor/machine';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'doctor-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
  vi.unstubAllEnvs();
});

it('tells what prepared networks take, what they may, and what they lack', async () => {
  vi.stubEnv('DARKROOM_PREPARED_GB', '0');
  expect((await preparedNetworks(home)).found).toContain('no networks are kept');

  vi.stubEnv('DARKROOM_PREPARED_GB', '1000000');
  const none = await preparedNetworks(join(home, 'not made yet'));
  expect(none).toMatchObject({ state: 'fine', found: expect.stringContaining('0 large networks') });

  const folder = join(home, 'prepared', 'abc');
  mkdirSync(folder, { recursive: true });
  const files = { weights: { bytes: 4.5e9, crc: 0 } };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ bytes: 4.5e9, files }));
  const short = await preparedNetworks(home);
  expect(short.state).toBe('lacking');
  expect(short.found).toContain('1 large networks, 4.5 GB of at most 1000000.0 GB');
  expect(short.remedy).toContain('DARKROOM_PREPARED_GB=');
});
