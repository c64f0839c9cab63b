/**
 * The one error that crosses a border in Darkroom. Anything a person or another process can cause
 * is an AppError with a code; anything else is a bug and surfaces as 'internal'.
 */

/** Each code, the HTTP status it maps to, and when it is raised. */
export const errorCodes = {
  'bad-request': { status: 400, when: 'The input does not have the shape or the range asked for.' },
  unauthenticated: { status: 401, when: 'Nobody is signed in, or the session has ended.' },
  forbidden: { status: 403, when: 'The role of the person signed in does not allow the action.' },
  paused: { status: 403, when: 'This account is paused: it may look but change nothing.' },
  'not-found': { status: 404, when: 'No row, file or blob has the given id.' },
  conflict: { status: 409, when: 'The thing exists already, or is in a state that forbids this.' },
  'work-lost': { status: 409, when: 'Another worker has taken over this piece of work.' },
  'method-not-allowed': { status: 405, when: 'The address does not know this HTTP method.' },
  gone: { status: 410, when: 'A link, lease or window has been used up or has expired.' },
  'too-large': { status: 413, when: 'The body of a request is longer than any that is needed.' },
  unprocessable: { status: 422, when: 'The input is well formed and still cannot be used.' },
  'too-many-requests': { status: 429, when: 'A rate limit was reached; wait, then retry.' },
  'data-corrupt': { status: 500, when: 'Stored bytes do not match their hash or their schema.' },
  internal: { status: 500, when: 'A bug. The log has the cause.' },
  unavailable: { status: 503, when: 'The database or the trainer cannot be reached for a moment.' },
  'storage-full': { status: 507, when: 'The disk is full; nothing was half-written.' },
} as const satisfies Record<string, { status: number; when: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** What a route handler sends for an error: `{ error: { code, message } }`. */
export interface ErrorBody {
  error: { code: ErrorCode; message: string };
}

/**
 * An error with a code and a sentence for a person: it names the offending value and the remedy.
 */
export class AppError extends Error {
  override readonly name = 'AppError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /** The HTTP status that a route handler answers with. */
  get status(): number {
    return errorCodes[this.code].status;
  }
}

/** Wraps whatever was thrown; an AppError passes through, anything else becomes 'internal'. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('internal', 'Something went wrong on our side. The log has the details.', {
    cause: thrown,
  });
}
