import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GET as next } from '@/app/api/label/next/route';
import { POST as prefer } from '@/app/api/label/preference/route';
import { nextAnswerSchema } from '@/app/api/label/schema';
import { closeDatabases, db, schema } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { makeLabelingRound } from '@/tests/db/support';
import { SmallDisk } from '@/tests/support/small-disk';
import { signInAs } from '../../support/sign-in';

const disk = SmallDisk.mount(12);

describe.skipIf(!disk)('on a full disk', () => {
  const before = process.env.DARKROOM_HOME;
  let cookie: string;

  beforeAll(async () => {
    process.env.DARKROOM_HOME = disk!.folder;
    await migrateDatabase();
    await makeLabelingRound({ pairs: 12 });
    ({ cookie } = await signInAs('annotator'));
  });
  afterEach(() => disk!.free());
  afterAll(() => {
    closeDatabases();
    disk!.unmount();
    if (before === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = before;
  });

  const ask = (method: string, path: string, body?: unknown) =>
    new Request(`http://127.0.0.1:3000/api/${path}`, {
      method,
      headers: { cookie },
      body: JSON.stringify(body),
    });
  const context = { params: Promise.resolve({}) };

  async function lease() {
    const answer = await next(ask('GET', 'label/next?count=1'), context);
    const { supply } = nextAnswerSchema.parse(await answer.json());
    if (supply.state !== 'pairs') throw new Error(`no pair: ${supply.state}`);
    return supply.pairs[0]!;
  }

  const pickOf = (leaseId: string) => ({
    id: randomUUID(),
    leaseId,
    answer: 'left',
    shownAtMs: Date.now() - 1_000,
    decidedAtMs: Date.now(),
    guidelinesVersion: null,
  });

  const pick = (body: unknown) => prefer(ask('POST', 'label/preference', body), context);

  const stored = () => db().select().from(schema.preferences).all();

  it('a pick is refused with a sentence, leaves nothing, and counts once there is room', async () => {
    const body = pickOf((await lease()).leaseId);
    disk!.fill();
    const refused = await pick(body);
    expect(refused.status).toBe(507);
    expect((await refused.json()).error).toMatchObject({
      code: 'storage-full',
      message: expect.stringMatching(/Free some disk space/),
    });
    expect(stored()).toHaveLength(0);

    disk!.free();
    const accepted = await pick(body);
    expect(await accepted.json()).toMatchObject({ outcome: 'counted' });
    expect(stored()).toMatchObject([{ id: body.id }]);
  });

  it('somebody whose session is due to be prolonged stays signed in', async () => {
    const { leaseId } = await lease();
    const dayMs = 86_400_000;
    const soon = new Date(Date.now() + 2 * dayMs);
    db().update(schema.session).set({ expiresAt: soon }).run();
    disk!.fill();
    const body = pickOf(leaseId);
    expect((await pick(body)).status).toBe(507);
    disk!.free();
    expect(await (await pick(body)).json()).toMatchObject({ outcome: 'counted' });
  });
});
