import { auth } from './server';

/**
 * The session whose cookie stands in these headers, or null. One that is due is prolonged; where the database takes no writes (a
 * full disk, a long transaction) it is as good as before.
 */
export async function sessionOf(headers: Headers) {
  const { api } = await auth();
  try {
    return await api.getSession({ headers });
  } catch {
    return api.getSession({ headers, query: { disableRefresh: true } });
  }
}
