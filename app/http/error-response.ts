import { darkroomHome } from '@/db/client';
import { type ErrorBody, toAppError } from '@/lib/errors';
import { log } from './log';

/**
 * What a route answers when something was thrown: `{ error: { code, message } }` with the status of
 * its code.
 */
export function errorResponse(thrown: unknown, request: Request): Response {
  const error = toAppError(thrown);
  const message = publicMessage(error.message);
  if (error.status >= 500 || message !== error.message)
    log.error({ err: error, path: new URL(request.url).pathname }, error.message);
  const body: ErrorBody = { error: { code: error.code, message } };
  return Response.json(body, { status: error.status, headers: { 'Cache-Control': 'no-store' } });
}

/**
 * What a browser is told: where things lie on the machine is its owner's to know, and stands in the
 * log.
 */
function publicMessage(message: string): string {
  return message
    .replaceAll(darkroomHome(), 'DARKROOM_HOME')
    .replaceAll(process.cwd(), "Darkroom's folder");
}
