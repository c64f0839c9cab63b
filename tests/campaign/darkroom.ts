/**
 * @file A Darkroom that is started with `npm start` again whenever its supervisor has been killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers } from '@/scripts/start/running';
import { processesOn } from './processes';

const pollMs = 200;
const endingMsMax = 60_000;

export class Darkroom {
  starts = 0;
  /** Why a start ended by itself, if one has: nobody but the campaign may end one. */
  complaint: string | undefined;
  #stopping = false;
  #npm: ChildProcess | undefined;

  constructor(
    readonly home: string,
    readonly port: number,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  start(): void {
    this.starts += 1;
    let said = '';
    const npm = spawn('npm', ['start'], {
      env: { ...process.env, DARKROOM_HOME: this.home, DARKROOM_PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as in a terminal: Ctrl-C reaches all of it.
      detached: true,
    });
    this.#npm = npm;
    for (const stream of [npm.stdout, npm.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk).slice(-4_000);
      });
    }
    npm.once('close', () => {
      this.#npm = undefined;
      if (this.#stopping) return;
      // Killed, it can say nothing; what says why it ended has not been killed.
      if (/^ {2}\S.*(already runs|is taken|failed|again and again)/m.test(said))
        this.complaint = said;
      this.start();
    });
  }

  async untilItAnswers(): Promise<void> {
    while (!(await answers(this.url))) {
      if (this.complaint) throw new Error(this.complaint);
      await sleep(pollMs);
    }
  }

  /** Ctrl-C, as a person does it; resolves to what is left running, which should be nothing. */
  async stop(): Promise<string[]> {
    this.#stopping = true;
    if (this.#npm?.pid) process.kill(-this.#npm.pid, 'SIGINT');
    const deadline = Date.now() + endingMsMax;
    while (Date.now() < deadline && processesOn(this.home).length > 0) await sleep(pollMs);
    return processesOn(this.home).map(({ pid, command }) => `${pid} ${command}`);
  }
}
