import { randomBytes } from 'node:crypto';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { db } from '@/db/client';
import { account, session, user, verification } from '@/db/schema/people';
import { settingOrCreate } from '@/db/settings';
import { joinPlugin } from './join-plugin';

const sessionDays = 90;

async function create() {
  const secret = await settingOrCreate('auth-secret', () => randomBytes(32).toString('base64url'));
  return betterAuth({
    appName: 'Darkroom',
    // Only decides whether cookies are marked secure; our routes compare origins themselves.
    baseURL: process.env.DARKROOM_URL ?? 'http://127.0.0.1:3000',
    secret: String(secret),
    database: drizzleAdapter(db(), {
      provider: 'sqlite',
      schema: { account, session, user, verification },
    }),
    telemetry: { enabled: false },
    // A wrong password is the person's to know, not the log's.
    logger: { level: 'error' },
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10 },
    session: { expiresIn: sessionDays * 86_400, updateAge: 86_400 },
    user: {
      additionalFields: {
        role: { type: 'string', input: false },
        blurNsfw: { type: 'boolean', input: false, defaultValue: false },
        pausedAt: { type: 'number', input: false, required: false },
      },
    },
    // Our own routes call this object; its HTTP router is not mounted, so its limits would never act.
    rateLimit: { enabled: false },
    plugins: [joinPlugin()],
  });
}

let instance: ReturnType<typeof create> | undefined;

/** Sessions and passwords, made on first use because the secret lies in the database. */
export function auth(): ReturnType<typeof create> {
  instance ??= create();
  return instance;
}
