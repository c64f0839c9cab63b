/**
 * @file SQLite's write lock: a transaction that begins with it, and the line of those who wait for
 * it.
 */
import { AppError } from '@/lib/errors';
import { type Database, db } from './client';

/** A transaction of this process's connection. */
type Begun = Parameters<Parameters<Database['transaction']>[0]>[0];

/**
 * How long to wait before asking for the write lock again, ms: longer each time, at most the last.
 */
const pausesMs = [1, 2, 5, 10, 15, 20, 25];

/** Who waits for the write lock in this process, in the order they came. */
interface Line {
  taken: boolean;
  waiting: (() => void)[];
}

const lines = new WeakMap<Database, Line>();

function lineOf(database: Database): Line {
  const line = lines.get(database) ?? { taken: false, waiting: [] };
  lines.set(database, line);
  return line;
}

function turnIn(line: Line): Promise<void> | undefined {
  if (line.taken) return new Promise((resolve) => line.waiting.push(resolve));
  line.taken = true;
  return undefined;
}

function leave(line: Line): void {
  const next = line.waiting.shift();
  if (next) next();
  else line.taken = false;
}

/**
 * Runs a synchronous callback, which may throw to undo, in one immediate transaction: it holds the
 * write lock from its first read on. While another process holds the lock, this one goes on with
 * everything else: callers wait in line, each up to the connection's busy time-out. Throws
 * 'unavailable' after that, 'storage-full' where the disk takes no more.
 */
export async function withWriteLock<T>(decide: (tx: Begun) => T): Promise<T> {
  const database = db();
  const line = lineOf(database);
  const patienceMs = Number(database.$client.pragma('busy_timeout', { simple: true }));
  const cameAt = performance.now();
  await turnIn(line);
  try {
    for (let tries = 0; ; tries++) {
      const outcome = attempt(database, decide, patienceMs);
      if ('result' in outcome) return outcome.result;
      if (performance.now() - cameAt >= patienceMs) throw outcome.busy;
      const pauseMs = pausesMs[Math.min(tries, pausesMs.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  } catch (thrown) {
    throw explain(thrown, patienceMs);
  } finally {
    leave(line);
  }
}

/** One try without waiting; `busy` when somebody else holds the lock and nothing was begun. */
function attempt<T>(
  database: Database,
  decide: (tx: Begun) => T,
  patienceMs: number,
): { result: T } | { busy: unknown } {
  const { $client } = database;
  let begun = false;
  const begin = () => {
    begun = true;
    $client.pragma(`busy_timeout = ${patienceMs}`);
  };
  $client.pragma('busy_timeout = 0');
  try {
    const decideOnceBegun = (tx: Begun) => {
      begin();
      return decide(tx);
    };
    return { result: database.transaction(decideOnceBegun, { behavior: 'immediate' }) };
  } catch (thrown) {
    if (begun || !sqliteCode(thrown).startsWith('SQLITE_BUSY')) throw thrown;
    return { busy: thrown };
  } finally {
    if (!begun) begin();
  }
}

function sqliteCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return '';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return sqliteCode(thrown.cause);
}

/** Turns SQLite's refusals that a person can do something about into errors that say what. */
function explain(thrown: unknown, patienceMs: number): unknown {
  const code = sqliteCode(thrown);
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new AppError(
      'storage-full',
      `The database could not be written (${code}). Free some disk space; nothing was half-written.`,
      { cause: thrown },
    );
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new AppError(
      'unavailable',
      `The database was busy for ${patienceMs / 1000} seconds. Nothing was written; try again.`,
      { cause: thrown },
    );
  }
  return thrown;
}
