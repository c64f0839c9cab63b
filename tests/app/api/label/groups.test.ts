import { afterEach, expect, it } from 'vitest';
import { GET as next } from '@/app/api/label/next/route';
import { POST as release } from '@/app/api/label/release/route';
import { POST as renew } from '@/app/api/label/renew/route';
import { nextAnswerSchema, type ServedGroup } from '@/app/api/label/schema';
import { POST as skip } from '@/app/api/label/skip/route';
import { POST as tag } from '@/app/api/label/tagging/route';
import { POST as undo } from '@/app/api/label/undo/route';
import { cancelRun } from '@/db/rounds/runs';
import { makeGroupRound, makeLabelingRound, withTemporaryHome } from '@/tests/db/support';
import { signInAs } from '../../support/sign-in';

withTemporaryHome();

const runIds: string[] = [];

afterEach(async () => {
  for (const id of runIds.splice(0)) await cancelRun(id, null);
});

async function groupRound(groups: number) {
  const made = await makeGroupRound({ groups, size: 4 });
  runIds.push(made.run.id);
  return made;
}

type Route = (request: Request, context: { params: Promise<object> }) => Promise<Response>;

/** A person's browser: what it sends to the routes of the labeling screen, and what it hears. */
async function browser() {
  const { cookie } = await signInAs('annotator');
  const call = async (route: Route, path: string, body?: unknown) => {
    const request = new Request(`http://127.0.0.1:3000/api/label/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const response = await route(request, { params: Promise.resolve({}) });
    return {
      status: response.status,
      body: response.status === 204 ? null : await response.json(),
    };
  };
  return {
    post: (route: Route, path: string, body: unknown) => call(route, path, body),
    supply: async (holding: string[] = [], count = 3) => {
      const { body } = await call(
        next as Route,
        `next?count=${count}&holding=${holding.join(',')}`,
      );
      return nextAnswerSchema.parse(body);
    },
  };
}

function groupsOf(
  answer: Awaited<ReturnType<Awaited<ReturnType<typeof browser>>['supply']>>,
): ServedGroup[] {
  if (answer.supply.state !== 'groups') throw new Error(answer.supply.state);
  return answer.supply.groups;
}

it('serves at most two groups at once, with the time for which they are leased, and says nothing of policies', async () => {
  const { round } = await groupRound(5);
  const ann = await browser();
  const answer = await ann.supply();
  const groups = groupsOf(answer);
  expect(groups).toHaveLength(2);
  expect(answer.leaseSeconds).toBeGreaterThan(60);
  expect(answer.progress.round).toMatchObject({ of: 'groups', labeled: 0, wanted: 5 });
  expect(JSON.stringify(answer)).not.toContain(round.startPolicyId);
  const held = groups.map(({ leaseId }) => leaseId);
  const more = groupsOf(await ann.supply(held, 1)).map(({ leaseId }) => leaseId);
  expect(held).not.toContain(more[0]);
});

it('renews and gives back leases of pairs and groups together, and tells of the lost ones', async () => {
  await groupRound(1);
  const made = await makeLabelingRound({ pairs: 1 });
  runIds.push(made.run.id);
  const ann = await browser();
  const pairs = (await ann.supply()).supply;
  if (pairs.state !== 'pairs') throw new Error(pairs.state);
  const leaseIds = pairs.pairs.map(({ leaseId }) => leaseId);
  const groupLeaseIds = groupsOf(await ann.supply(leaseIds)).map(({ leaseId }) => leaseId);
  const renewed = await ann.post(renew as Route, 'renew', {
    leaseIds: [...leaseIds, 'nobody-s'],
    groupLeaseIds: [...groupLeaseIds, 'no-group-s'],
  });
  expect(renewed.body).toMatchObject({ lost: ['nobody-s', 'no-group-s'] });
  expect(renewed.body.leaseSeconds).toBeGreaterThan(60);
  // As a page of an earlier version does, which knows pairs only.
  expect((await ann.post(renew as Route, 'renew', { leaseIds })).body).toMatchObject({ lost: [] });
  await ann.post(release as Route, 'release', { leaseIds, groupLeaseIds });
  const again = await ann.supply();
  expect(again.leaseSeconds).toBeLessThanOrEqual(10);
  expect((await ann.post(renew as Route, 'renew', {})).body.error).toMatchObject({
    code: 'bad-request',
    message: expect.stringContaining('at least one lease'),
  });
});

it('takes readings and skips, takes both back, and says when somebody else has the group', async () => {
  await groupRound(1);
  const ann = await browser();
  const [group] = groupsOf(await ann.supply());
  const { leaseId, groupId, images } = group!;
  const id = crypto.randomUUID();
  const reading = { id, groupId, taggedSampleIds: [images[0]!.sampleId] };
  expect((await ann.post(tag as Route, 'tagging', reading)).body).toMatchObject({
    outcome: 'counted',
    progress: { own: { today: 1, round: 1, total: 1 }, round: { labeled: 1 } },
  });
  expect((await ann.supply()).supply).toEqual({ state: 'done' });
  const outcome = async (body: unknown) =>
    (await ann.post(undo as Route, 'undo', body)).body.outcome;
  expect(await outcome({ taggingId: id })).toBe('counted');
  expect(groupsOf(await ann.supply())).toEqual([group]);

  await ann.post(skip as Route, 'skip', { groupLeaseId: leaseId });
  expect(await outcome({ skippedGroupLeaseId: leaseId })).toBe('counted');
  await ann.post(skip as Route, 'skip', { groupLeaseId: leaseId });
  const bob = await browser();
  expect(groupsOf(await bob.supply())).toHaveLength(1);
  expect(await outcome({ skippedGroupLeaseId: leaseId })).toBe('taken');
  expect((await ann.supply()).supply).toMatchObject({ state: 'all-leased' });
  expect((await bob.post(skip as Route, 'skip', { groupLeaseId: leaseId })).status).toBe(404);
});
