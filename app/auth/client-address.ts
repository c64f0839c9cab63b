import { getIP } from 'better-auth/api';
import { auth } from './server';

/**
 * The address that a request comes from: its peer, or, where that is a proxy named in
 * DARKROOM_TRUST_PROXY, the last address before the proxies. An IPv6 address stands for its /64,
 * which is what one customer gets.
 */
export async function clientAddress(headers: Headers): Promise<string> {
  return getIP(headers, (await auth()).options) ?? 'unknown';
}
