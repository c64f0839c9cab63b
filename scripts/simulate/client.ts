import {
  type NextAnswer,
  nextAnswerSchema,
  type Outcome,
  outcomeSchema,
  type PreferenceRequest,
} from '@/app/api/label/schema';
import type { Stopwatch } from './stopwatch';

const busyWaitMs = 1_000;

/** An answer of which every byte has arrived. */
type Answered = { ok: boolean; status: number; body: Buffer };

/** One person's browser: keeps the session cookie and speaks to the routes that the pages use. */
export class Client {
  #cookies = '';

  /**
   * @param persistent while nobody answers, asks again, as the page does, instead of giving up
   * @param address said to be behind the proxy that the server trusts; limits on joining count by
   * address
   */
  constructor(
    private readonly url: string,
    private readonly stopwatch: Stopwatch,
    private readonly persistent = false,
    private readonly address?: string,
  ) {}

  async join(token: string, name: string): Promise<void> {
    await this.#send('POST join', '/api/join', { token, name });
  }

  /** The next leased pair, or why there is none. */
  async next(): Promise<NextAnswer> {
    return nextAnswerSchema.parse(json(await this.#send('GET next', '/api/label/next?count=1')));
  }

  async accept(version: number): Promise<void> {
    await this.#send('POST consent', '/api/label/consent', { version, blurNsfw: false });
  }

  async answer(preference: PreferenceRequest): Promise<Outcome> {
    const body = await this.#send('POST preference', '/api/label/preference', preference);
    return outcomeSchema.parse(json(body));
  }

  /** The bytes of a PNG. */
  image(path: string): Promise<Uint8Array> {
    return this.#send('GET image', path);
  }

  async #send(name: string, path: string, body?: unknown): Promise<Buffer> {
    for (;;) {
      const answered = await this.stopwatch
        .time(name, () => this.#fetch(path, body))
        .catch((error: unknown) => {
          if (this.persistent) return undefined;
          throw error;
        });
      if (answered?.ok) return answered.body;
      if (answered && answered.status !== 429 && answered.status !== 503) {
        const text = answered.body.toString().slice(0, 300);
        throw new Error(`${name} answered ${answered.status}: ${text}`);
      }
      await new Promise((resolve) => setTimeout(resolve, busyWaitMs));
    }
  }

  async #fetch(path: string, body?: unknown): Promise<Answered> {
    const response = await fetch(`${this.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        cookie: this.#cookies,
        origin: this.url,
        ...(this.address ? { 'x-forwarded-for': this.address } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const set = response.headers.getSetCookie();
    if (set.length > 0) this.#cookies = set.map((cookie) => cookie.split(';')[0]).join('; ');
    return { ok: response.ok, status: response.status, body: bytes };
  }
}

function json(body: Buffer): unknown {
  return JSON.parse(body.toString());
}
