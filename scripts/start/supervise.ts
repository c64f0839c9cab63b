import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LogFile } from './log-file';

const leash = fileURLToPath(new URL('leash.mjs', import.meta.url));

const backoffMsFirst = 1_000;
const backoffMsMax = 30_000;
/** A process that ran this long was well; its next death starts the backoff anew. */
const healthyMs = 10_000;
const stopGraceMs = 10_000;
const tailLines = 12;

export type Supervised = {
  /** Whether the process runs now (between a death and the restart it does not). */
  running(): boolean;
  /** How often it has died on its own. */
  deaths(): number;
  /** The last lines it wrote, for a person who has to find out why it died. */
  tail(): string[];
  /** Ends the process and all its children; resolves when they are gone. */
  stop(): Promise<void>;
};

/**
 * Keeps one Node process running until told to stop, in a process group of its own, and restarts
 * it with growing pauses when it dies.
 *
 * @param nodeArguments what follows `node` on its command line
 * @param logFolder its output is appended to `<name>.log` there
 * @param onLogDropped told why, when the log cannot be written and lines are dropped
 * @param niceness how much it gives way to other processes: 0 (not) to 19; its children inherit it
 * @param onDeath told the exit status or signal, and after how many milliseconds it is restarted
 */
export function supervise(options: {
  name: string;
  nodeArguments: string[];
  environment: Record<string, string>;
  logFolder: string;
  niceness?: number;
  onDeath: (how: string, restartMs: number) => void;
  onLogDropped: (why: string) => void;
}): Supervised {
  const log = new LogFile(join(options.logFolder, `${options.name}.log`), options.onLogDropped);
  const recent: string[] = [];
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let deathCount = 0;
  let backoffMs = backoffMsFirst;
  let stopping = false;

  function keep(chunk: Buffer): void {
    log.write(chunk);
    recent.push(...chunk.toString().split('\n').filter(Boolean));
    recent.splice(0, recent.length - tailLines);
  }

  function launch(): void {
    const startedAt = Date.now();
    child = spawn(process.execPath, ['--import', leash, ...options.nodeArguments], {
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    if (child.pid && options.niceness) setPriority(child.pid, options.niceness);
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('exit', (code, signal) => {
      child = undefined;
      if (stopping) return;
      deathCount += 1;
      if (Date.now() - startedAt > healthyMs) backoffMs = backoffMsFirst;
      options.onDeath(signal ?? `exit code ${code}`, backoffMs);
      restart = setTimeout(launch, backoffMs);
      backoffMs = Math.min(backoffMs * 2, backoffMsMax);
    });
  }

  launch();
  return {
    running: () => child !== undefined,
    deaths: () => deathCount,
    tail: () => [...recent],
    async stop() {
      stopping = true;
      clearTimeout(restart);
      if (child) await endGroup(child);
      log.close();
    },
  };
}

async function endGroup(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child, 'SIGTERM');
  const impatient = setTimeout(() => signalGroup(child, 'SIGKILL'), stopGraceMs);
  await exited;
  clearTimeout(impatient);
  // Its own children are in the group too and may have outlived it.
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!child.pid) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: everyone in the group has ended already, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
