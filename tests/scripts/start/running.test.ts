import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noteRunning, noteStopped, runningElsewhere } from '@/scripts/start/running';

let home: string;
let url: string;
const server = createServer((request, response) => {
  response.writeHead(request.url === '/api/health' ? 200 : 404).end();
});

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'darkroom-running-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(home, { recursive: true, force: true });
});

it('finds what runs on a data folder until it says that it has stopped', async () => {
  expect(await runningElsewhere(home)).toBeUndefined();
  noteRunning(home, { url, publicUrl: null });
  expect(await runningElsewhere(home)).toEqual({ pid: process.pid, url, publicUrl: null });
  noteStopped(home);
  expect(await runningElsewhere(home)).toBeUndefined();
});

it('asks the local address, whatever the public one is', async () => {
  const publicUrl = 'https://darkroom.invalid';
  noteRunning(home, { url, publicUrl });
  expect(await runningElsewhere(home)).toEqual({ pid: process.pid, url, publicUrl });
});

it('understands the note of a version that knew one address', async () => {
  writeFileSync(join(home, 'running.json'), JSON.stringify({ pid: process.pid, url }));
  expect(await runningElsewhere(home)).toEqual({ pid: process.pid, url, publicUrl: null });
});

it('takes no notice of a note that a crash left behind', async () => {
  const pidNobodyHas = 2 ** 30;
  writeFileSync(join(home, 'running.json'), JSON.stringify({ pid: pidNobodyHas, url }));
  expect(await runningElsewhere(home)).toBeUndefined();

  const urlNobodyServes = 'http://127.0.0.1:9';
  noteRunning(home, { url: urlNobodyServes, publicUrl: url });
  expect(await runningElsewhere(home)).toBeUndefined();

  writeFileSync(join(home, 'running.json'), '{ half a no');
  expect(await runningElsewhere(home)).toBeUndefined();
});
