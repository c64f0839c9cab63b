import { latestEventId } from '@/db/events';
import { AppError } from '@/lib/errors';
import { errorResponse } from '../../http/error-response';

/**
 * Whether the web app and its database are up; for the start script and for monitors, open to all.
 */
export async function GET(request: Request): Promise<Response> {
  try {
    await latestEventId();
    return Response.json({ status: 'ok' }, { headers: { 'Cache-Control': 'no-store' } });
  } catch (cause) {
    const message = 'The database cannot be read; the log says why.';
    return errorResponse(new AppError('unavailable', message, { cause }), request);
  }
}

export const dynamic = 'force-dynamic';
