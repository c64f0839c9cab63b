/**
 * @file The child process behind an engine, and the conversation with it. It may crash or be killed
 * at any time; what was asked of it then fails with an `EngineDiedError`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '@/trainer/graph/tensor';
import { EngineDiedError, EngineError } from './errors';
import type { ChildSettings, EngineMemory, ReplyMessage, Request } from './protocol';
import { vulkanEnvironment } from './vulkan';
import { readFrames, writeFrame } from './wire';

export interface Reply {
  message: ReplyMessage;
  tensors: Tensor[];
}

interface Pending {
  what: string;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

/** Last bytes of the child's own output that an error repeats. */
const lastWordsLength = 600;

export class EngineProcess {
  /** Settles once the child answers, or has failed to. */
  readonly started: Promise<unknown>;
  readonly #device: string;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #sessions = 0;
  #lastWords = '';
  #memory: EngineMemory = { rssBytes: 0, peakRssBytes: 0 };
  #death: string | undefined;

  constructor(settings: ChildSettings) {
    this.#device = settings.device;
    this.#child = spawnChild(settings);
    this.#socket = this.#child.stdio[3]! as Duplex;
    this.#socket.on('error', () => this.#child.kill('SIGKILL'));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#lastWords = (this.#lastWords + chunk.toString()).slice(-lastWordsLength);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#die(signal ? `was ended by ${signal}` : `ended with code ${code}`);
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#die(`could not be started: ${error.message}`);
        resolve();
      });
    });
    readFrames<ReplyMessage>(this.#socket, (message, tensors) => {
      this.#memory = message.memory;
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ('error' in message) {
        pending?.reject(new EngineError(`${pending.what} on ${this.#device}: ${message.error}`));
      } else pending?.resolve({ message, tensors });
    });
    this.started = this.ask('Starting', { op: 'memory' });
    // Whoever waits for it hears of a failure; nobody has to.
    this.started.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#death === undefined;
  }

  /** As of its last answer. */
  get memory(): EngineMemory {
    return this.#memory;
  }

  /** A number that no other session of this process has. */
  newSession(): number {
    return ++this.#sessions;
  }

  /** @param what as an error calls it */
  ask(what: string, request: Request, tensors: readonly Tensor[] = []): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#deathOf(what));
        return;
      }
      const id = this.#nextId++;
      this.#pending.set(id, { what, resolve, reject });
      // A broken pipe is the child's death, which the exit event reports with its cause.
      writeFrame(this.#socket, { id, ...request }, tensors).catch(() => {});
    });
  }

  /** Ends it at once; what is still running fails. */
  async close(): Promise<void> {
    this.#death ??= 'was closed';
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #die(cause: string): void {
    this.#death ??= cause;
    for (const { what, reject } of this.#pending.values()) reject(this.#deathOf(what));
    this.#pending.clear();
  }

  #deathOf(what: string): EngineDiedError {
    const killed = this.#death === 'was ended by SIGKILL';
    const remedy = killed
      ? 'The system does this when memory runs out: use a smaller batch or image, or close other programs. Then open a new engine.'
      : 'Open a new engine and load again.';
    const words = this.#lastWords.trim();
    const said = words && this.#death !== 'was closed' ? ` Its last words: ${words}` : '';
    return new EngineDiedError(
      `${what}: the ${this.#device} engine ${this.#death}. ${remedy}${said}`,
    );
  }
}

function spawnChild(settings: ChildSettings): ChildProcess {
  const entry = fileURLToPath(new URL('./child.cjs', import.meta.url));
  const root = fileURLToPath(new URL('../../', import.meta.url));
  return spawn(process.execPath, [entry, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(settings.device === 'webgpu' && vulkanEnvironment()),
      TSX_TSCONFIG_PATH: `${root}tsconfig.json`,
    },
  });
}
