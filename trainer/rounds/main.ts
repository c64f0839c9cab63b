/**
 * @file The trainer's process (`npm run trainer`): draws images, trains on people's picks,
 * evaluates. It meets the web app in the database only, may be killed at any moment, and goes on
 * where it stopped.
 */
import pino from 'pino';
import { closeDatabases, db } from '@/db/client';
import { chooseDevice } from './worker/device';
import { keepHouse } from './worker/housekeeping';
import { Worker } from './worker/worker';

const exitMs = 1500;

const log = pino({
  name: 'trainer',
  level: process.env.DARKROOM_LOG ?? 'info',
  errorKey: 'error',
});

try {
  db();
  const worker = new Worker(await chooseDevice(), log);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'stopping');
      worker.stop();
      stopping.abort();
      // Whatever still computes is not worth waiting for: the next start goes on from the last
      // checkpoint.
      setTimeout(() => process.exit(0), exitMs).unref();
    });
  }
  const house = keepHouse(log, stopping.signal);
  await worker.run();
  stopping.abort();
  await house;
  closeDatabases();
  log.info('stopped');
} catch (error) {
  log.fatal({ error }, error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
