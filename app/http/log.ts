import pino from 'pino';

/**
 * The web app's log: one JSON object a line on standard output. Never give it a body or a cookie.
 */
export const log = pino({ name: 'web', level: process.env.DARKROOM_LOG ?? 'info' });
