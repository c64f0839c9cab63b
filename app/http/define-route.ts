import type { z } from 'zod';
import { AppError } from '@/lib/errors';
import type { Action } from '@/lib/permissions';
import { clientAddress } from '../auth/client-address';
import type { Person } from '../auth/person';
import { requireRole } from '../auth/require-role';
import { errorResponse } from './error-response';
import { type RateLimit, takeToken } from './rate-limit';
import { readJson, refuseLongBody } from './read-body';
import { refuseForeignOrigin } from './same-origin';

type Schemas = { body?: z.ZodType; query?: z.ZodType; params?: z.ZodType };

type Parsed<Schema> = Schema extends z.ZodType<infer Output> ? Output : undefined;

type Call<S extends Schemas, Who> = {
  request: Request;
  person: Who;
  body: Parsed<S['body']>;
  query: Parsed<S['query']>;
  params: Parsed<S['params']>;
};

type Handler = (request: Request, context: { params: Promise<unknown> }) => Promise<Response>;

/**
 * Makes a route handler for people whose role allows `needs`. Everything from outside is parsed by
 * the schemas; what the handler returns is sent as JSON unless it is a Response already; whatever
 * is thrown becomes `{ error: { code, message } }` with the status of its code.
 */
export function route<S extends Schemas>(
  options: S & { needs: Action; limit?: RateLimit },
  handle: (call: Call<S, Person>) => Promise<unknown>,
): Handler {
  return guarded(async (request, context) => {
    const person = await requireRole(request.headers, options.needs);
    if (options.limit) takeToken(options.limit, person.id);
    return handle({ ...(await parseAll(options, request, context)), request, person });
  });
}

/**
 * Makes a route handler that anybody may call, limited by network address: signing in and joining.
 */
export function openRoute<S extends Schemas>(
  options: S & { limit: RateLimit },
  handle: (call: Call<S, null>) => Promise<unknown>,
): Handler {
  return guarded(async (request, context) => {
    takeToken(options.limit, await clientAddress(request.headers));
    return handle({ ...(await parseAll(options, request, context)), request, person: null });
  });
}

function guarded(
  handle: (request: Request, context: { params: Promise<unknown> }) => Promise<unknown>,
): Handler {
  return async (request, context) => {
    try {
      refuseLongBody(request);
      if (request.method !== 'GET') refuseForeignOrigin(request);
      const result = await handle(request, context);
      if (result instanceof Response) return result;
      return Response.json(result ?? {}, { headers: { 'Cache-Control': 'no-store' } });
    } catch (thrown) {
      return errorResponse(thrown, request);
    }
  };
}

async function parseAll<S extends Schemas>(
  schemas: S,
  request: Request,
  context: { params: Promise<unknown> },
) {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  return {
    body: (schemas.body && parse(schemas.body, await readJson(request))) as Parsed<S['body']>,
    query: (schemas.query && parse(schemas.query, query)) as Parsed<S['query']>,
    params: (schemas.params && parse(schemas.params, await context.params)) as Parsed<S['params']>,
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw new AppError('bad-request', `${where}${issue?.message ?? 'the input has the wrong shape'}`);
}
