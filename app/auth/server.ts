import { createHmac, randomBytes } from 'node:crypto';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { db } from '@/db/client';
import { account, session, user, verification } from '@/db/schema/people';
import { settingOrCreate } from '@/db/settings';
import { readAddresses } from '@/lib/addresses';
import { joinPlugin } from './join-plugin';

const sessionDays = 90;

async function create() {
  const secret = String(
    await settingOrCreate('auth-secret', () => randomBytes(32).toString('base64url')),
  );
  const { publicUrl, trustedProxies } = readAddresses(process.env);
  return betterAuth({
    appName: 'Darkroom',
    // Only decides whether cookies are marked secure; our routes compare origins themselves.
    baseURL: publicUrl ?? 'http://127.0.0.1:3000',
    secret,
    database: drizzleAdapter(db(), {
      provider: 'sqlite',
      schema: { account, session, user, verification },
    }),
    telemetry: { enabled: false },
    // A wrong password is the person's to know, not the log's.
    logger: { level: 'error' },
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10 },
    // Whoever is signed in may see and end their sessions, however long ago they came.
    session: { expiresIn: sessionDays * 86_400, updateAge: 86_400, freshAge: 0 },
    advanced: {
      // Cookies do not tell ports apart: two homes on one host would sign each other out.
      cookiePrefix: `darkroom-${derived(secret, 'cookie prefix').slice(0, 8)}`,
      ipAddress: { ipAddressHeaders: ['x-darkroom-hops'], trustedProxies },
    },
    user: {
      additionalFields: {
        role: { type: 'string', input: false },
        blurNsfw: { type: 'boolean', input: false, defaultValue: false },
        pausedAt: { type: 'number', input: false, required: false },
        hasEmail: { type: 'boolean', input: false, defaultValue: false },
        imported: { type: 'boolean', input: false, defaultValue: false },
      },
    },
    // Our own routes call this object; its HTTP router is not mounted, so its limits would never
    // act.
    rateLimit: { enabled: false },
    plugins: [joinPlugin()],
  });
}

/**
 * A name or key that follows from the home's secret and does not tell it: hexadecimal, 64 digits.
 */
export function derived(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(purpose).digest('hex');
}

let instance: ReturnType<typeof create> | undefined;

/** Sessions and passwords, made on first use because the secret lies in the database. */
export function auth(): ReturnType<typeof create> {
  instance ??= create();
  return instance;
}
