import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { bodyBytesMax } from '@/app/http/body-limit.mjs';
import { createFrontDoor } from '@/app/http/front-door.mjs';

const MiB = 1024 * 1024;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** A front door before a room that says how many bytes reached it and through which addresses. */
async function open({ trustsProxy = false } = {}): Promise<number> {
  const server = createFrontDoor(
    async (request, response) => {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      response.end(JSON.stringify({ bytes, hops: request.headers['x-darkroom-hops'] }));
    },
    { trustsProxy },
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

type Sent = { method?: string; headers?: Record<string, string>; chunks?: Buffer[] };

/**
 * Sends a body chunk by chunk as fast as it is taken; returns the answer, which may come before the
 * end.
 */
function send(port: number, { method = 'POST', headers, chunks = [] }: Sent) {
  return new Promise<{ status?: number; allow?: string; body: Record<string, unknown> }>(
    (resolve, reject) => {
      const request = httpRequest({ port, method, headers });
      request.once('response', async (response: IncomingMessage) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({
          status: response.statusCode,
          allow: response.headers.allow,
          body: JSON.parse(text),
        });
        request.destroy();
      });
      request.once('error', reject);
      void (async () => {
        for (const chunk of chunks) {
          if (request.destroyed) return;
          if (!request.write(chunk)) {
            await new Promise((go) => request.once('drain', go).once('close', go));
          }
        }
        request.end();
      })();
    },
  );
}

describe('a body', () => {
  it('up to the limit arrives whole', async () => {
    const chunks = [Buffer.alloc(bodyBytesMax)];
    const length = { 'content-length': String(bodyBytesMax) };
    const port = await open();
    expect((await send(port, { chunks, headers: length })).body).toMatchObject({
      bytes: bodyBytesMax,
    });
    const inPieces = Array.from({ length: 4 }, () => Buffer.alloc(bodyBytesMax / 4));
    expect((await send(port, { chunks: inPieces })).body).toMatchObject({ bytes: bodyBytesMax });
  });

  it.each(['GET', 'POST', 'PATCH', 'DELETE'])(
    'of a %s that says it is longer is refused',
    async (method) => {
      const port = await open();
      const headers = { 'content-length': String(600 * MiB) };
      const { status, body } = await send(port, { method, headers, chunks: [Buffer.alloc(MiB)] });
      expect(status).toBe(413);
      expect(body.error).toMatchObject({
        code: 'too-large',
        message: expect.stringContaining(String(bodyBytesMax)),
      });
    },
  );

  it('that does not say its length is cut one byte past the limit, however much is sent', async () => {
    const port = await open();
    const chunks = Array.from({ length: 40 }, () => Buffer.alloc(MiB));
    const { status, body } = await send(port, { chunks });
    expect(status).toBe(200);
    expect(body).toMatchObject({ bytes: bodyBytesMax + 1 });
  });

  it('is not asked for where the client asks first and it is too long', async () => {
    const port = await open();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('data', (data) => resolve(data.toString()));
      socket.write(
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${600 * MiB}\r\nExpect: 100-continue\r\n\r\n`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });
});

it.each(['TRACE', 'PUT', 'PROPFIND', 'LINK'])(
  'does not understand %s, and says what it does',
  async (method) => {
    const { status, allow, body } = await send(await open(), { method });
    expect(status).toBe(405);
    expect(allow).toContain('GET, HEAD, POST');
    expect(body.error).toMatchObject({ code: 'method-not-allowed' });
  },
);

describe('the addresses of a request', () => {
  const headers = { 'x-forwarded-for': '203.0.113.7, 10.0.0.1', 'x-darkroom-hops': '198.51.100.1' };

  it('are those of its peer alone, whatever the client writes', async () => {
    const { body } = await send(await open(), { headers });
    expect(body.hops).toBe('127.0.0.1');
  });

  it('begin with what proxies noted where such notes may be read', async () => {
    const { body } = await send(await open({ trustsProxy: true }), { headers });
    expect(body.hops).toBe('203.0.113.7, 10.0.0.1, 127.0.0.1');
  });
});
