import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const portsTried = 20;
const pollMs = 200;

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * A port to listen on: the wanted one, or, where nobody insists on it, the next free one.
 *
 * @param patienceMs how long an insisted port is waited for: what had it before may be ending right
 * now
 * @throws when an insisted port is taken, or no port near the wanted one is free
 */
export async function freePort(
  wanted: number,
  host: string,
  insist: boolean,
  patienceMs = 10_000,
): Promise<number> {
  if (await isFree(wanted, host)) return wanted;
  if (insist) {
    for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(pollMs)) {
      if (await isFree(wanted, host)) return wanted;
    }
    throw new Error(
      `port ${wanted} on ${host} is taken: end what listens there, or choose another with DARKROOM_PORT=${wanted + 1} npm start`,
    );
  }
  for (let port = wanted + 1; port <= wanted + portsTried; port++) {
    if (await isFree(port, host)) return port;
  }
  throw new Error(
    `no port from ${wanted} to ${wanted + portsTried} is free on ${host}: choose one with DARKROOM_PORT=8080 npm start`,
  );
}
