import type { BetterAuthPlugin, GenericEndpointContext } from 'better-auth';
import { createAuthEndpoint } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { createLocalAccountIssuer } from 'better-auth/db';
import { z } from 'zod';
import {
  findInvitation,
  type Invitation,
  invitationProblem,
  redeemInvitation,
} from '@/db/people/invitations';
import { placeholderEmail } from '@/db/people/users';
import { AppError } from '@/lib/errors';
import { joinRequestSchema, nameSchema } from './join.schema';

type Login = { email: string; password: string };

/**
 * What better-auth does not do by itself: sign in by a one-time link, as somebody new or somebody
 * known, with or without email; rename a person; give them a login later. All of it can be called
 * on the server only; the routes that call it decide who may.
 */
export function joinPlugin() {
  return {
    id: 'darkroom-join',
    endpoints: {
      joinByLink: createAuthEndpoint.serverOnly(
        { method: 'POST', body: joinRequestSchema },
        async (ctx) => {
          const { token, name, email, password } = ctx.body;
          const invitation = await usableInvitation(token);
          const userId =
            invitation.forUserId ??
            (await createPerson(
              ctx,
              invitation,
              name,
              email && password ? { email, password } : null,
            ));
          try {
            await redeemInvitation({ token, userId });
          } catch (thrown) {
            // Somebody else was faster with the same link: the person just made must not remain.
            if (userId !== invitation.forUserId)
              await ctx.context.internalAdapter.deleteUser(userId);
            throw thrown;
          }
          await signIn(ctx, userId);
          return { userId };
        },
      ),
      rename: createAuthEndpoint.serverOnly(
        { method: 'POST', body: z.object({ userId: z.string(), name: nameSchema }) },
        async (ctx) => {
          const { userId, name } = ctx.body;
          await ctx.context.internalAdapter.updateUser(userId, { name });
          return { userId };
        },
      ),
      setLogin: createAuthEndpoint.serverOnly(
        {
          method: 'POST',
          body: z.object({ userId: z.string(), email: z.string(), password: z.string() }),
        },
        async (ctx) => {
          const { userId, ...login } = ctx.body;
          await saveLogin(ctx, userId, login);
          return { userId };
        },
      ),
    },
  } satisfies BetterAuthPlugin;
}

async function usableInvitation(token: string): Promise<Invitation> {
  const invitation = await findInvitation(token);
  if (!invitation) {
    throw new AppError('not-found', 'This link is not known. Check that it is complete.');
  }
  const problem = invitationProblem(invitation);
  if (problem) throw new AppError('gone', problem);
  return invitation;
}

async function createPerson(
  ctx: GenericEndpointContext,
  invitation: Invitation,
  name: string | undefined,
  login: Login | null,
): Promise<string> {
  if (!name) throw new AppError('bad-request', 'Say what to call you.');
  if (login) await assertFree(ctx, login.email, null);
  const user = await ctx.context.internalAdapter.createUser(
    { name, role: invitation.role, email: placeholderEmail() },
    { method: 'one-time-link' },
  );
  if (login) await saveLogin(ctx, user.id, login);
  return user.id;
}

async function signIn(ctx: GenericEndpointContext, userId: string): Promise<void> {
  const user = await ctx.context.internalAdapter.findUserById(userId);
  if (!user) throw new AppError('not-found', `There is no person ${userId}.`);
  const session = await ctx.context.internalAdapter.createSession(userId);
  await setSessionCookie(ctx, { session, user });
}

async function saveLogin(ctx: GenericEndpointContext, userId: string, login: Login): Promise<void> {
  const { internalAdapter, password } = ctx.context;
  const { email } = login;
  await assertFree(ctx, email, userId);
  const hash = await password.hash(login.password);
  // The address first: if somebody else is faster with it, nothing has been changed.
  await internalAdapter.updateUser(userId, { email, hasEmail: true }).catch(async (thrown) => {
    await assertFree(ctx, email, userId);
    throw thrown;
  });
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
}

async function assertFree(
  ctx: GenericEndpointContext,
  email: string,
  ownerId: string | null,
): Promise<void> {
  const found = await ctx.context.internalAdapter.findUserByEmail(email);
  if (found && found.user.id !== ownerId) {
    throw new AppError(
      'conflict',
      `${email} belongs to somebody already. Sign in with it instead.`,
    );
  }
}
