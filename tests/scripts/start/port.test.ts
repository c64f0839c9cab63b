import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '@/scripts/start/port';

const host = '127.0.0.1';
const server = createServer();
let taken: number;

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  taken = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

it('goes on to the next free port', async () => {
  expect(await freePort(taken, host, false)).toBeGreaterThan(taken);
});

it('names the port and the remedy when the port was insisted on', async () => {
  await expect(freePort(taken, host, true, 0)).rejects.toThrow(
    new RegExp(`port ${taken} on ${host} is taken.*DARKROOM_PORT=`),
  );
});

it('waits for an insisted port that is being given up', async () => {
  setTimeout(() => server.close(), 300);
  expect(await freePort(taken, host, true)).toBe(taken);
});
