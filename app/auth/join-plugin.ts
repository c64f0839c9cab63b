import type { BetterAuthPlugin, GenericEndpointContext } from 'better-auth';
import { createAuthEndpoint } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { createLocalAccountIssuer } from 'better-auth/db';
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { roleSchema } from '@/lib/roles';
import { placeholderEmail } from './person';

const loginSchema = z.object({ email: z.string(), password: z.string() });

/**
 * What better-auth does not do by itself: make a person without email, sign a person in without
 * password, and give them a login later. All of it serves one-time links and can be called on the
 * server only; the caller decides who may.
 */
export function joinPlugin() {
  return {
    id: 'darkroom-join',
    endpoints: {
      createPerson: createAuthEndpoint.serverOnly(
        {
          method: 'POST',
          body: z.object({ name: z.string(), role: roleSchema, login: loginSchema.optional() }),
        },
        async (ctx) => {
          const { name, role, login } = ctx.body;
          if (login) await assertFree(ctx, login.email, null);
          const user = await ctx.context.internalAdapter.createUser(
            { name, role, email: placeholderEmail() },
            { method: 'one-time-link' },
          );
          if (login) await saveLogin(ctx, user.id, login);
          return { userId: user.id };
        },
      ),
      setLogin: createAuthEndpoint.serverOnly(
        { method: 'POST', body: loginSchema.extend({ userId: z.string() }) },
        async (ctx) => {
          const { userId, ...login } = ctx.body;
          await assertFree(ctx, login.email, userId);
          await saveLogin(ctx, userId, login);
          return { userId };
        },
      ),
      signInPerson: createAuthEndpoint.serverOnly(
        { method: 'POST', body: z.object({ userId: z.string() }) },
        async (ctx) => {
          const user = await ctx.context.internalAdapter.findUserById(ctx.body.userId);
          if (!user) throw new AppError('not-found', `There is no person ${ctx.body.userId}.`);
          const session = await ctx.context.internalAdapter.createSession(user.id);
          await setSessionCookie(ctx, { session, user });
          return { userId: user.id };
        },
      ),
    },
  } satisfies BetterAuthPlugin;
}

async function assertFree(ctx: GenericEndpointContext, email: string, ownerId: string | null) {
  const found = await ctx.context.internalAdapter.findUserByEmail(email);
  if (found && found.user.id !== ownerId) {
    throw new AppError(
      'conflict',
      `${email} belongs to somebody already. Sign in with it instead.`,
    );
  }
}

async function saveLogin(
  ctx: GenericEndpointContext,
  userId: string,
  login: z.infer<typeof loginSchema>,
) {
  const { internalAdapter, password } = ctx.context;
  const hash = await password.hash(login.password);
  if (await internalAdapter.findCredentialAccount(userId)) {
    await internalAdapter.updatePassword(userId, hash);
  } else {
    await internalAdapter.linkAccount({
      userId,
      providerId: 'credential',
      issuer: createLocalAccountIssuer('credential'),
      accountId: userId,
      password: hash,
    });
  }
  await internalAdapter.updateUser(userId, { email: login.email });
}
