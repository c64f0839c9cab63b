import { beforeAll, expect, it } from 'vitest';
import { GET } from '@/app/api/images/[hash]/route';
import { putBlob } from '@/db/blobs/blobs';
import { recordSamples } from '@/db/rounds/samples';
import { makeRun, makeSample, withTemporaryHome } from '../../db/support';
import { signInAs } from '../support/sign-in';

withTemporaryHome();

const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 31) % 256);
let cookie = '';
let imageHash = '';
let otherHash = '';

beforeAll(async () => {
  ({ cookie } = await signInAs('annotator'));
  imageHash = await putBlob(bytes);
  otherHash = await putBlob(new TextEncoder().encode('an adapter, not an image'));
  const { round, base } = await makeRun();
  await recordSamples({
    samples: [makeSample({ policyId: base.id, roundId: round.id, imageBlob: imageHash })],
  });
});

function get(hash: string, headers: Record<string, string> = {}): Promise<Response> {
  const request = new Request(`http://127.0.0.1:3000/api/images/${hash}`, {
    headers: { cookie, ...headers },
  });
  return GET(request, { params: Promise.resolve({ hash }) });
}

it('serves an image byte for byte, to be kept for ever', async () => {
  const response = await get(imageHash);
  expect(response.status).toBe(200);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  expect(response.headers.get('content-type')).toBe('image/png');
  expect(response.headers.get('cache-control')).toContain('immutable');
});

it('does not send again what the browser has', async () => {
  const response = await get(imageHash, { 'if-none-match': `"${imageHash}"` });
  expect(response.status).toBe(304);
  expect(await response.text()).toBe('');
});

it('serves nothing but images of samples, and takes no path for a hash', async () => {
  expect((await get(otherHash)).status).toBe(404);
  expect((await get('../darkroom.db')).status).toBe(400);
});
