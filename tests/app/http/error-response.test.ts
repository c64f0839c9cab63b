import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { openRoute } from '@/app/http/define-route';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { darkroomHome } from '@/db/client';
import { withTemporaryHome } from '../../db/support';

withTemporaryHome();

const read = openRoute(
  { limit: { name: 'test', perMinute: 60, burst: 60 }, query: z.object({ hash: z.string() }) },
  async ({ query }) => new Response(new Uint8Array(await getBlob(query.hash))),
);

it('a route does not tell where the data folder lies', async () => {
  const hash = await putBlob(new Uint8Array([1, 2, 3]));
  await rm(join(darkroomHome(), 'blobs', hash.slice(0, 2), hash));
  const request = new Request(`http://127.0.0.1:3000/api/blob?hash=${hash}`);
  const response = await read(request, { params: Promise.resolve({}) });
  const text = await response.text();
  expect(response.status).toBe(404);
  expect(text).toContain(`missing from DARKROOM_HOME/blobs/${hash.slice(0, 2)}`);
  expect(text).not.toContain(darkroomHome());
});
