import { latestEventId } from '@/db/events';
import { AppError } from '@/lib/errors';
import { sessionOf } from '../../auth/session';
import { route } from '../../http/define-route';
import { whileEntitled } from './entitled';
import { eventStream } from './stream';

/**
 * Live events (server-sent). A new stream starts with what happens from now on; a browser that
 * reconnects names the last event it has heard and misses nothing.
 */
export const GET = route({ needs: 'events.read' }, async ({ person, request }) => {
  const heard = Number.parseInt(request.headers.get('last-event-id') ?? '', 10);
  const lastId = Number.isSafeInteger(heard) && heard >= 0 ? heard : await latestEventId();
  const { session } = (await sessionOf(request.headers)) ?? {};
  if (!session) throw new AppError('unauthenticated', 'The session has ended. Sign in again.');
  const signal = whileEntitled(session.id, person.role, request.signal);
  return new Response(eventStream(lastId, person.role, signal), {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    },
  });
});

export const dynamic = 'force-dynamic';
