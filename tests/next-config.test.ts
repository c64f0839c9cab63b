import { createRequire } from 'node:module';
import { afterEach, expect, it, vi } from 'vitest';

const require = createRequire(import.meta.url);

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.resetModules();
});

it('a build asks nobody for security advisories', async () => {
  const { default: config } = await import('../next.config.mjs');
  expect(config.experimental).toMatchObject({ agentUpgrade: false });
});

it('development asks nobody for the newest Next', async () => {
  const calls = vi.fn(async () => Response.json({ latest: '99.0.0', canary: '99.0.0' }));
  vi.stubGlobal('fetch', calls);
  vi.stubEnv('NODE_ENV', 'development');
  await import('../next.config.mjs');
  const { getVersionInfo } = require('next/dist/server/dev/hot-reloader-shared-utils');
  expect(await getVersionInfo()).toMatchObject({ staleness: 'unknown' });
  expect(calls).not.toHaveBeenCalled();
  await fetch('http://127.0.0.1:3000/api/health');
  expect(calls).toHaveBeenCalledOnce();
});
