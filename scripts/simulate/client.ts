import {
  type NextAnswer,
  nextAnswerSchema,
  type Outcome,
  outcomeSchema,
  type PreferenceRequest,
} from '@/app/api/label/schema';
import type { Stopwatch } from './stopwatch';

const busyWaitMs = 1_000;

/** One person's browser: keeps the session cookie and speaks to the routes that the pages use. */
export class Client {
  #cookies = '';

  constructor(
    private readonly url: string,
    private readonly stopwatch: Stopwatch,
  ) {}

  async join(token: string, name: string): Promise<void> {
    await this.#send('POST join', '/api/join', { token, name });
  }

  /** The next leased pair, or why there is none. */
  async next(): Promise<NextAnswer> {
    const response = await this.#send('GET next', '/api/label/next?count=1');
    return nextAnswerSchema.parse(await response.json());
  }

  async accept(version: number): Promise<void> {
    await this.#send('POST consent', '/api/label/consent', { version, blurNsfw: false });
  }

  async answer(preference: PreferenceRequest): Promise<Outcome> {
    const response = await this.#send('POST preference', '/api/label/preference', preference);
    return outcomeSchema.parse(await response.json());
  }

  /** The bytes of a PNG. */
  async image(path: string): Promise<Uint8Array> {
    const response = await this.#send('GET image', path);
    return new Uint8Array(await response.arrayBuffer());
  }

  async #send(name: string, path: string, body?: unknown): Promise<Response> {
    for (;;) {
      const response = await this.stopwatch.time(name, () => this.#fetch(path, body));
      if (response.ok) return response;
      const text = await response.text();
      if (response.status !== 429 && response.status !== 503) {
        throw new Error(`${name} answered ${response.status}: ${text.slice(0, 300)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, busyWaitMs));
    }
  }

  async #fetch(path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        cookie: this.#cookies,
        origin: this.url,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const set = response.headers.getSetCookie();
    if (set.length > 0) this.#cookies = set.map((cookie) => cookie.split(';')[0]).join('; ');
    return response;
  }
}
