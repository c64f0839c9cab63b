import { latestEventId } from '@/db/events';
import { toAppError } from '@/lib/errors';

/** Whether the web app and its database are up; for the start script and for monitors, open to all. */
export async function GET(): Promise<Response> {
  try {
    await latestEventId();
    return Response.json({ status: 'ok' }, { headers: { 'Cache-Control': 'no-store' } });
  } catch (thrown) {
    const error = toAppError(thrown);
    return Response.json(error.toBody(), { status: 503 });
  }
}

export const dynamic = 'force-dynamic';
