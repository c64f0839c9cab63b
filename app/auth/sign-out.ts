import { z } from 'zod';
import { send } from '../http/send';

/**
 * Ends the session and loads the sign-in page afresh, so that nothing of the last person stays in
 * memory.
 */
export async function signOut(): Promise<void> {
  await send('POST', '/api/sign-out', z.unknown());
  window.location.assign('/sign-in');
}
