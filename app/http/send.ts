import type { z } from 'zod';
import { AppError, type ErrorCode, errorCodes } from '@/lib/errors';

/**
 * Calls one of our own routes from the browser. Resolves with the parsed answer; rejects with the
 * server's AppError, or with 'unavailable' when the server cannot be reached. `keepalive` lets the
 * request outlive the page.
 */
export async function send<Schema extends z.ZodType>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  answer: Schema,
  body?: unknown,
  { keepalive = false }: { keepalive?: boolean } = {},
): Promise<z.infer<Schema>> {
  const response = await reach(path, {
    method,
    keepalive,
    headers: body === undefined ? undefined : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answered(response, answer);
}

/** As `send`, with a body of bytes as they are. */
export async function sendBytes<Schema extends z.ZodType>(
  path: string,
  answer: Schema,
  body: Blob,
): Promise<z.infer<Schema>> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  return answered(await reach(path, { method: 'POST', headers, body }), answer);
}

async function answered<Schema extends z.ZodType>(
  response: Response,
  answer: Schema,
): Promise<z.infer<Schema>> {
  const content: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorFrom(content, response.status);
  return answer.parse(content);
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (cause) {
    throw new AppError('unavailable', 'The server cannot be reached. Check the connection.', {
      cause,
    });
  }
}

function errorFrom(content: unknown, status: number): AppError {
  if (typeof content === 'object' && content !== null && 'error' in content) {
    const { code, message } = content.error as { code?: string; message?: string };
    if (code && code in errorCodes) return new AppError(code as ErrorCode, message ?? code);
  }
  return new AppError('internal', `The server answered with status ${status} and no explanation.`);
}
