import { encode } from 'fast-png';
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { GET } from '@/app/api/images/[hash]/thumbnail/route';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { isPointedTo } from '@/db/blobs/references';
import { imageInfo, recordSamples } from '@/db/rounds/samples';
import { makeRun, makeSample, withTemporaryHome } from '../../db/support';
import { signInAs } from '../support/sign-in';

withTemporaryHome();

const side = 512;
const noise = Uint8Array.from({ length: 3 * side * side }, (_, index) => (index * 97) % 251);
const original = encode({ width: side, height: side, data: noise, channels: 3, depth: 8 });
let cookie = '';
let imageHash = '';

beforeAll(async () => {
  ({ cookie } = await signInAs('reviewer'));
  imageHash = await putBlob(original);
  const { round, base } = await makeRun();
  await recordSamples({
    samples: [0, 1].map(() =>
      makeSample({ policyId: base.id, roundId: round.id, imageBlob: imageHash }),
    ),
  });
});

function get(hash: string, headers: Record<string, string> = {}): Promise<Response> {
  const request = new Request(`http://127.0.0.1:3000/api/images/${hash}/thumbnail`, {
    headers: { cookie, ...headers },
  });
  return GET(request, { params: Promise.resolve({ hash }) });
}

it('is small, made once, and an object of its own; the image stays as it is', async () => {
  expect((await imageInfo(imageHash))?.thumbnailBlob).toBeNull();
  const responses = await Promise.all([get(imageHash), get(imageHash)]);
  for (const response of responses) {
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/webp');
    const { width, height, format } = await sharp(await response.arrayBuffer()).metadata();
    expect({ width, height, format }).toEqual({ width: 128, height: 128, format: 'webp' });
  }
  const { thumbnailBlob } = (await imageInfo(imageHash))!;
  expect(responses.map((response) => response.headers.get('etag'))).toEqual([
    `"${thumbnailBlob}"`,
    `"${thumbnailBlob}"`,
  ]);
  expect((await getBlob(thumbnailBlob!)).length).toBeLessThan(original.length / 10);
  // What is pointed to is not collected, and goes into backups.
  expect(await isPointedTo(thumbnailBlob!)).toBe(true);
  expect(Buffer.compare(await getBlob(imageHash), original)).toBe(0);
});

it('is not sent again to a browser that has it', async () => {
  const etag = (await get(imageHash)).headers.get('etag') ?? '';
  expect((await get(imageHash, { 'if-none-match': etag })).status).toBe(304);
});

it('is of images of samples alone', async () => {
  const other = await putBlob(new TextEncoder().encode('an adapter, not an image'));
  expect((await get(other)).status).toBe(404);
  expect((await get('../darkroom.db')).status).toBe(400);
});
