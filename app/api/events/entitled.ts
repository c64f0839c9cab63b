import { rolesOfSessions } from '@/db/people/sessions';
import type { Role } from '@/lib/roles';

/** How long a stream may outlive the right to it. One query asks for all streams of the process. */
const lookMs = 1_000;

type OpenStream = { sessionId: string; role: Role; ended: AbortController };

const streams = new Set<OpenStream>();
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * A signal that aborts when the reader hangs up, and when the right to a stream ends: the session
 * was ended, by whatever did it in whichever process, or its owner got another role.
 */
export function whileEntitled(sessionId: string, role: Role, hungUp: AbortSignal): AbortSignal {
  const stream: OpenStream = { sessionId, role, ended: new AbortController() };
  if (hungUp.aborted) return hungUp;
  hungUp.addEventListener('abort', () => end(stream), { once: true });
  streams.add(stream);
  timer ??= setInterval(look, lookMs);
  return stream.ended.signal;
}

function end(stream: OpenStream): void {
  streams.delete(stream);
  if (streams.size === 0) {
    clearInterval(timer);
    timer = undefined;
  }
  stream.ended.abort();
}

async function look(): Promise<void> {
  const ids = new Set([...streams].map(({ sessionId }) => sessionId));
  // A database that cannot be asked right now ends nobody's stream; the next look may.
  const roles = await rolesOfSessions([...ids]).catch(() => null);
  if (roles === null) return;
  for (const stream of streams) {
    if (ids.has(stream.sessionId) && roles.get(stream.sessionId) !== stream.role) end(stream);
  }
}
