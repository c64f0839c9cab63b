/**
 * @file The web app's process: Next behind our own front door. `--hostname` and `--port`, else
 * DARKROOM_HOST and DARKROOM_PORT; `npm run dev` starts Next by itself, without the door. Plain
 * JavaScript, because nothing compiles it.
 */
import { parseArgs } from 'node:util';
import next from 'next';
import { createFrontDoor } from './http/front-door.mjs';

const closeGraceMs = 1_000;

const { DARKROOM_HOST, DARKROOM_PORT, DARKROOM_TRUST_PROXY, PORT } = process.env;
const { values } = parseArgs({
  options: {
    hostname: { type: 'string', default: DARKROOM_HOST || '127.0.0.1' },
    port: { type: 'string', default: DARKROOM_PORT || PORT || '3000' },
  },
});
const { hostname } = values;
const port = Number(values.port);

process.env.NEXT_TELEMETRY_DISABLED = '1';
process.env.NODE_ENV ??= 'production';

const app = next({ dev: false, hostname, port });
await app.prepare();

const server = createFrontDoor(app.getRequestHandler(), {
  trustsProxy: Boolean(DARKROOM_TRUST_PROXY?.trim()),
});
server.on('error', (error) => {
  console.error(`The web app cannot listen on ${hostname}, port ${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, hostname, () => console.log(`listening on ${hostname}, port ${port}`));

function stop() {
  server.close(() => process.exit(0));
  // Event streams never end by themselves; browsers come back to them.
  setTimeout(() => server.closeAllConnections(), closeGraceMs).unref();
}
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
