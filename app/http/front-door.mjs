/**
 * @file What every request passes before Next sees it, because Next is too late for it: it reads
 * bodies whole and without back-pressure, throws at methods it does not know, and does not say from
 * where a request came.
 */
import { createServer } from 'node:http';
import { bodyBytesMax } from './body-limit.mjs';

/** @typedef {import('node:http').IncomingMessage} Incoming */
/** @typedef {import('node:http').ServerResponse} Outgoing */

const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * How long a refused sender may go on sending before the connection is cut; most stop when they
 * read the answer.
 */
const lingerMs = 5_000;

/**
 * Where the addresses that a request came through stand; what a client writes there itself is
 * overwritten.
 */
const hopsHeader = 'x-darkroom-hops';

/**
 * An HTTP server that refuses what Darkroom never takes and hands on the rest.
 *
 * @param {(request: Incoming, response: Outgoing) => void} handle
 * @param {{ trustsProxy: boolean }} options whether X-Forwarded-For may be read at all
 */
export function createFrontDoor(handle, { trustsProxy }) {
  /** @param {Incoming} request @param {Outgoing} response */
  function receive(request, response) {
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('Allow', methods.join(', '));
      refuse(request, response, 405, 'method-not-allowed', `${request.method} is not understood.`);
      return;
    }
    if (isTooLong(request)) {
      const said = request.headers['content-length'];
      const message = `The body has ${said} bytes; at most ${bodyBytesMax} are read. Send less.`;
      refuse(request, response, 413, 'too-large', message);
      return;
    }
    cutBody(request);
    request.headers[hopsHeader] = hopsOf(request, trustsProxy);
    handle(request, response);
  }

  const server = createServer(receive);
  // A client that asks first is not told to go on when it would be refused.
  server.on('checkContinue', (request, response) => {
    if (!isTooLong(request)) response.writeContinue();
    receive(request, response);
  });
  return server;
}

/** @param {Incoming} request */
function isTooLong(request) {
  return Number(request.headers['content-length'] ?? 0) > bodyBytesMax;
}

/**
 * The peer's address, after those that proxies before it have noted, where such a note may be read:
 * client, proxy, proxy.
 */
function hopsOf(/** @type {Incoming} */ request, /** @type {boolean} */ trustsProxy) {
  const noted = trustsProxy ? request.headers['x-forwarded-for'] : undefined;
  return [noted, request.socket.remoteAddress].flat().filter(Boolean).join(', ');
}

/**
 * Ends a body one byte past the limit and drops the rest as it comes, so that memory stays flat
 * whatever is sent, and the reader can see that it was too long. Bodies sent in chunks do not say
 * their length beforehand.
 *
 * @param {Incoming} request
 */
function cutBody(request) {
  const push = request.push.bind(request);
  let bytes = 0;
  request.push = (chunk, encoding) => {
    if (bytes > bodyBytesMax) return true;
    if (chunk === null) return push(null);
    const left = bodyBytesMax + 1 - bytes;
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) return push(chunk, encoding);
    push(chunk.subarray(0, left));
    // Node takes a body that ends early for a lost connection unless the message counts as whole.
    request.complete = true;
    push(null);
    return true;
  };
}

/**
 * Answers at once and reads on for a while without keeping anything: a connection that is closed on
 * a sender loses the answer.
 *
 * @param {Incoming} request @param {Outgoing} response
 * @param {number} status @param {string} code @param {string} message
 */
function refuse(request, response, status, code, message) {
  const body = JSON.stringify({ error: { code, message } });
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  });
  response.write(body);
  const end = () => {
    clearTimeout(patience);
    response.end();
  };
  const patience = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end).resume();
}
