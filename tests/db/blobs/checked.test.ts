import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { putBlob } from '@/db/blobs/blobs';
import { checkedBlob } from '@/db/blobs/checked';
import { blobPath } from '@/db/blobs/folder';
import { withTemporaryHome } from '../support';

withTemporaryHome();

const bytes = new TextEncoder().encode('an image');

it('is read as stored, and read again', async () => {
  const hash = await putBlob(bytes);
  for (let i = 0; i < 2; i++) expect([...(await checkedBlob(hash))]).toEqual([...bytes]);
});

it('is checked again when its file has changed, though it was whole before', async () => {
  const hash = await putBlob(bytes);
  await checkedBlob(hash);
  writeFileSync(blobPath(hash), 'an imagE');
  await expect(checkedBlob(hash)).rejects.toMatchObject({ code: 'data-corrupt' });
  rmSync(blobPath(hash), { force: true });
  await expect(checkedBlob(hash)).rejects.toMatchObject({ code: 'not-found' });
});
