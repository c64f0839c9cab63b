import { AppError } from '@/lib/errors';
import { bodyBytesMax } from './body-limit.mjs';

/** Throws 'too-large' when a request itself says that its body is longer than what is read. */
export function refuseLongBody(request: Request): void {
  const said = Number(request.headers.get('content-length') ?? 0);
  if (said > bodyBytesMax) throw tooLarge(`has ${said} bytes`);
}

/**
 * The body as JSON, counted while it is read. Throws 'too-large' past the limit, 'bad-request' when
 * it is no JSON.
 */
export async function readJson(request: Request): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(request));
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError(
      'bad-request',
      `The body is not JSON: "${text.slice(0, 40)}". Send application/json.`,
    );
  }
}

/** The body as it is. Throws 'too-large' past the limit. */
export async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done || !value) break;
    bytes += value.byteLength;
    if (bytes > bodyBytesMax) {
      await reader?.cancel().catch(() => {});
      throw tooLarge(`has more than ${bodyBytesMax} bytes`);
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks);
}

function tooLarge(what: string): AppError {
  return new AppError(
    'too-large',
    `The body ${what}; at most ${bodyBytesMax} are read. Send less at once.`,
  );
}
