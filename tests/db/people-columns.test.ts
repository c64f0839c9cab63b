import { expect, it } from 'vitest';
import { openDatabase } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { withOlderHome } from './older-home';

const home = withOlderHome(/ADD `imported`/);

it('an older home learns from addresses and passwords who was imported and who gave an address', async () => {
  const path = home.fill((client) => {
    const person = client.prepare(
      "insert into user (id, name, email, created_at, updated_at, role) values (?, ?, ?, 0, 0, 'annotator')",
    );
    const password = client.prepare(
      "insert into account (id, user_id, issuer, account_id, provider_id, password, created_at, updated_at) values (?, ?, 'local', ?, 'credential', 'hash', 0, 0)",
    );
    const people = {
      imported: 'a1b2@imported.invalid',
      byLink: 'c3d4@darkroom.invalid',
      byPassword: 'ada@example.org',
      hidden: 'x@imported.invalid',
      unlocked: 'x@darkroom.invalid',
      seeded: 'seed@example.org',
    };
    for (const [id, email] of Object.entries(people)) person.run(id, id, email);
    for (const id of ['byPassword', 'hidden', 'unlocked']) password.run(id, id, id);
  });

  await migrateDatabase(path);

  const now = openDatabase(path);
  const rows = now.$client.prepare('select id, imported, has_email from user').raw().all();
  now.$client.close();
  expect(
    Object.fromEntries((rows as [string, 0 | 1, 0 | 1][]).map(([id, ...is]) => [id, is])),
  ).toEqual({
    imported: [1, 0],
    byLink: [0, 0],
    byPassword: [0, 1],
    hidden: [0, 1],
    unlocked: [0, 1],
    seeded: [0, 1],
  });
});
