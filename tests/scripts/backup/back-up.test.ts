/**
 * A backup taken while people pick is one instant, whole, and Darkroom starts on what is restored
 * from it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { graceMs } from '@/db/blobs/collector';
import { blobPath } from '@/db/blobs/folder';
import { sha256 } from '@/db/blobs/store';
import { closeDatabases, db, schema } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { recordSamples } from '@/db/rounds/samples';
import { listWorkers } from '@/db/work/workers';
import { backUp } from '@/scripts/backup/back-up';
import { restoreFrom } from '@/scripts/restore/restore-from';
import { setUp } from '@/scripts/setup/setup';
import { makeRun, makeSample } from '../../db/support';

const folder = mkdtempSync(join(tmpdir(), 'darkroom-backup-'));
const home = join(folder, 'home');
const before = process.env.DARKROOM_HOME;
const children: ChildProcess[] = [];

function use(path: string) {
  closeDatabases();
  process.env.DARKROOM_HOME = path;
}

beforeAll(async () => {
  use(home);
  await migrateDatabase();
});
afterEach(() => use(home));
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  closeDatabases();
  if (before === undefined) delete process.env.DARKROOM_HOME;
  else process.env.DARKROOM_HOME = before;
  rmSync(folder, { recursive: true, force: true });
});

let made: Awaited<ReturnType<typeof makeRun>>;

/** An image of the data folder, with its row. */
async function addImage(text: string): Promise<string> {
  const imageBlob = await putBlob(new TextEncoder().encode(text));
  const { base, round } = made;
  const row = makeSample({ policyId: base.id, roundId: round.id, imageBlob });
  await recordSamples({ samples: [row] });
  return imageBlob;
}

const imagesNow = () =>
  db()
    .select()
    .from(schema.samples)
    .all()
    .map(({ imageBlob }) => imageBlob);

it('is one instant of a folder that is written to, and is started on', async () => {
  await setUp();
  made = await makeRun();
  for (let i = 0; i < 20; i++) await addImage(`image ${i}`);
  const backup = join(folder, 'backup');
  let writing = true;
  let written = 0;
  const writer = (async () => {
    while (writing) await addImage(`meanwhile ${written++}`);
  })();
  const { manifest, copied } = await backUp(backup);
  writing = false;
  await writer;
  expect(manifest).toMatchObject({ damaged: [], blobs: { count: copied } });
  expect(copied).toBeGreaterThanOrEqual(20);
  for (const name of ['', 'backup.json', 'blobs', manifest.database.file]) {
    expect(lstatSync(join(backup, name)).mode & 0o077, name).toBe(0);
  }

  const restored = join(folder, 'restored');
  use(restored);
  expect(await restoreFrom(backup)).toMatchObject({ damaged: [] });
  const images = imagesNow();
  expect(images).toHaveLength(copied);
  for (const hash of images) await getBlob(hash);
  await setUp();
  // The trainer itself, on what was restored.
  const trainer = spawn(process.execPath, ['--import', 'tsx', 'trainer/rounds/main.ts'], {
    env: { ...process.env, DARKROOM_DEVICE: 'cpu', DARKROOM_LOG: 'warn' },
    stdio: 'inherit',
  });
  children.push(trainer);
  while ((await listWorkers()).length === 0) {
    expect(trainer.exitCode).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const ended = new Promise((resolve) => trainer.once('exit', resolve));
  trainer.kill('SIGTERM');
  await ended;
  await expect(restoreFrom(backup)).rejects.toMatchObject({ code: 'conflict' });
});

describe('a second backup to the same folder', () => {
  it('copies what is new, and forgets what nobody needs', async () => {
    const backup = join(folder, 'again');
    const first = await backUp(backup);
    const [gone] = imagesNow();
    db().delete(schema.samples).where(eq(schema.samples.imageBlob, gone!)).run();
    const hash = await addImage('new');
    const second = await backUp(backup);
    expect(second.copied).toBe(1);
    expect(second.manifest.blobs.count).toBe(first.manifest.blobs.count);
    expect(readdirSync(backup).filter((name) => name.endsWith('.db'))).toEqual([
      second.manifest.database.file,
    ]);
    expect(sha256(readFileSync(blobPath(hash, backup)))).toBe(hash);
    expect(() => readFileSync(blobPath(gone!, backup))).toThrow('ENOENT');
  });

  it('tells what is damaged on either side, and keeps whichever is whole', async () => {
    const backup = join(folder, 'damaged');
    const [hereOnly, thereOnly, nowhere] = await Promise.all(['a', 'b', 'c'].map(addImage));
    await backUp(backup);
    truncateSync(blobPath(hereOnly!, backup), 0);
    truncateSync(blobPath(thereOnly!), 0);
    for (const side of [undefined, backup]) truncateSync(blobPath(nowhere!, side), 0);
    const { manifest, copied } = await backUp(backup, { check: true });
    expect(manifest.damaged).toEqual([nowhere]);
    expect(copied).toBe(1);
    use(join(folder, 'healed'));
    expect((await restoreFrom(backup)).damaged).toEqual([nowhere]);
    await getBlob(hereOnly!);
    await getBlob(thereOnly!);
    use(home);
    for (const text of ['b', 'c']) await putBlob(new TextEncoder().encode(text));
    expect((await backUp(backup)).manifest.damaged).toEqual([]);
  });

  it('leaves the former one as it was where the database is damaged', async () => {
    const backup = join(folder, 'former');
    const { manifest } = await backUp(backup);
    const broken = join(folder, 'broken');
    use(broken);
    await restoreFrom(backup);
    const bytes = readFileSync(join(broken, 'darkroom.db'));
    const page = 4096 * Math.floor(bytes.length / 4096 / 2);
    writeFileSync(join(broken, 'darkroom.db'), bytes.fill(0xff, page, page + 4096));
    await expect(backUp(backup)).rejects.toMatchObject({ code: 'data-corrupt' });
    use(join(folder, 'still'));
    expect((await restoreFrom(backup)).manifest).toEqual(manifest);
  });
});

describe('refuses', () => {
  it('folders that are in use for something else', async () => {
    const other = join(folder, 'other');
    await backUp(other);
    writeFileSync(join(other, 'thesis.txt'), '');
    for (const [path, why] of [
      [other, /thesis\.txt/],
      [home, /lie in each other/],
      [join(home, 'backup'), /lie in each other/],
      [folder, /lie in each other/],
    ] as const) {
      await expect(backUp(path)).rejects.toMatchObject({
        code: 'bad-request',
        message: expect.stringMatching(why),
      });
    }
  });

  it('to restore what is no backup, or a damaged one, and leaves nothing to start on', async () => {
    use(join(folder, 'nothing'));
    await expect(restoreFrom(folder)).rejects.toMatchObject({ code: 'bad-request' });
    use(home);
    const backup = join(folder, 'cut');
    const { manifest } = await backUp(backup);
    truncateSync(join(backup, manifest.database.file), 5000);
    use(join(folder, 'nothing'));
    await expect(restoreFrom(backup)).rejects.toMatchObject({ code: 'data-corrupt' });
    expect(() => db()).toThrow(/has not been set up/);
  });
});

it('takes the database again where blobs were given up since it was copied', async () => {
  const { dropBlobs } = await import('@/db/blobs/collector');
  const backup = join(folder, 'moving');
  const hash = await addImage('given up');
  // Between the copy of the database and that of the blob, the row goes, and the blob with it.
  const { utimesSync } = await import('node:fs');
  utimesSync(blobPath(hash), 1000, 1000);
  const backingUp = backUp(backup);
  while (!readdirSync(folder).includes('moving') || !hasDatabase(backup)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  db().delete(schema.samples).where(eq(schema.samples.imageBlob, hash)).run();
  await dropBlobs([{ hash, storedUntil: Date.now() - graceMs }]);
  const { manifest } = await backingUp;
  expect(manifest.damaged).toEqual([]);
  use(join(folder, 'moved'));
  expect((await restoreFrom(backup)).damaged).toEqual([]);
  for (const image of imagesNow()) await getBlob(image);
});

const hasDatabase = (backup: string) =>
  readdirSync(backup).some((name) => /^darkroom-.+\.db$/.test(name));
