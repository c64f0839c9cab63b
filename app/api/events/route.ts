import { latestEventId } from '@/db/events';
import { route } from '../../http/define-route';
import { eventStream } from './stream';

/**
 * Live events (server-sent). A new stream starts with what happens from now on; a browser that
 * reconnects names the last event it has heard and misses nothing.
 */
export const GET = route({ needs: 'events.read' }, async ({ person, request }) => {
  const heard = Number.parseInt(request.headers.get('last-event-id') ?? '', 10);
  const lastId = Number.isSafeInteger(heard) && heard >= 0 ? heard : await latestEventId();
  return new Response(eventStream(lastId, person.role, request.signal), {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    },
  });
});

export const dynamic = 'force-dynamic';
