import { desc } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import {
  consentsOf,
  ensureGuidelines,
  latestGuidelines,
  publishGuidelines,
  recordConsent,
} from '@/db/labeling/guidelines';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import {
  createInvitation,
  findInvitation,
  invitationProblem,
  listInvitations,
  redeemInvitation,
  revokeInvitation,
} from '@/db/people/invitations';
import { findUser, firstAdmin, pausePerson, resumePerson, setRole } from '@/db/people/users';
import { auditLog } from '@/db/schema/people';
import { settingOrCreate } from '@/db/settings';
import { listPeople } from '../../support/people';
import { makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

describe('invitations', () => {
  it('can be used once, by one of two who try at once', async () => {
    const [first, second] = await makePeople(2);
    const { token } = await createInvitation({ role: 'annotator', createdBy: null });
    const tries = await Promise.allSettled(
      [first!, second!].map((userId) => redeemInvitation({ token, userId })),
    );
    expect(tries.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    const invitation = await findInvitation(token);
    expect(invitation?.usedBy).toBe(first);
    expect(invitationProblem(invitation!)).toContain('used already');
  });

  it('end by time and by revoking, and their token is stored nowhere', async () => {
    const [person] = await makePeople(1);
    const short = await createInvitation({ role: 'reviewer', createdBy: null, expiresInMs: 10 });
    const late = { token: short.token, userId: person!, now: short.expiresAt };
    await expect(redeemInvitation(late)).rejects.toMatchObject({ code: 'gone' });
    const { id, token } = await createInvitation({ role: 'reviewer', createdBy: null });
    await revokeInvitation(id, null);
    await expect(redeemInvitation({ token, userId: person! })).rejects.toThrow('withdrawn');
    expect(JSON.stringify(await listInvitations())).not.toContain(token);
    expect(await findInvitation('made up')).toBeNull();
  });
});

describe('people', () => {
  it('never lose their last admin', async () => {
    const [admin] = await makePeople(1, 'admin');
    expect((await firstAdmin())?.id).toBe(admin);
    await expect(setRole(admin!, 'annotator', null)).rejects.toThrow('only admin');
    await expect(pausePerson(admin!, null)).rejects.toMatchObject({ code: 'conflict' });
    const [other] = await makePeople(1);
    await setRole(other!, 'admin', admin!);
    await setRole(admin!, 'annotator', other!);
    expect((await findUser(admin!))?.role).toBe('annotator');
    const audited = db().select().from(auditLog).orderBy(desc(auditLog.id)).get();
    expect(audited).toMatchObject({
      action: 'person.role',
      actorId: other,
      detail: { from: 'admin', to: 'annotator' },
    });
  });

  it('who are paused give their pairs back and can neither lease nor answer', async () => {
    const [slow, next] = await makePeople(2);
    await makeLabelingRound({ pairs: 1 });
    const leased = await leasePairs({ annotatorId: slow! });
    if (leased.state !== 'pairs') throw new Error(leased.state);
    expect((await leasePairs({ annotatorId: next! })).state).toBe('all-leased');
    await pausePerson(slow!, null);
    expect((await leasePairs({ annotatorId: slow! })).state).toBe('paused');
    const answering = submitPreference({
      id: 'x',
      leaseId: leased.pairs[0]!.leaseId,
      annotatorId: slow!,
      answer: 'left',
      shownAtMs: 0,
      decidedAtMs: 1,
      guidelinesVersion: null,
    });
    await expect(answering).rejects.toMatchObject({ code: 'paused' });
    expect((await leasePairs({ annotatorId: next! })).state).toBe('pairs');
    await resumePerson(slow!, null);
    expect((await leasePairs({ annotatorId: slow! })).state).toBe('all-leased');
    expect((await listPeople()).find((person) => person.id === slow)?.pausedAt).toBeNull();
  });
});

describe('a pause', () => {
  it('is lifted neither by whom it holds back nor by somebody below them', async () => {
    const [held, other] = await makePeople(2, 'admin');
    const [below] = await makePeople(1);
    await pausePerson(held!, other!);
    await expect(resumePerson(held!, held!)).rejects.toMatchObject({ code: 'paused' });
    await expect(resumePerson(held!, below!)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(setRole(other!, 'annotator', held!)).rejects.toMatchObject({ code: 'paused' });
    expect((await findUser(held!))?.pausedAt).not.toBeNull();
    await resumePerson(held!, other!);
    expect((await findUser(held!))?.pausedAt).toBeNull();
  });
});

describe('guidelines and consent', () => {
  it('go up by version, and consent is to a version', async () => {
    const [person] = await makePeople(1);
    await ensureGuidelines('first');
    await ensureGuidelines('ignored');
    expect(await latestGuidelines()).toMatchObject({ version: 1, markdown: 'first' });
    await recordConsent({ userId: person!, kind: 'terms', version: 1 });
    await recordConsent({ userId: person!, kind: 'terms', version: 1 });
    await publishGuidelines({ markdown: 'second', createdBy: person! });
    expect((await latestGuidelines())?.version).toBe(2);
    expect(await consentsOf(person!)).toEqual({ terms: 1, nsfw: null });
  });
});

it('settings are made once', async () => {
  let made = 0;
  const make = () => ({ secret: ++made });
  expect(await settingOrCreate('auth', make)).toEqual({ secret: 1 });
  expect(await settingOrCreate('auth', make)).toEqual({ secret: 1 });
});
