import { route } from '@/app/http/define-route';
import { checkedBlob } from '@/db/blobs/checked';
import { isImportImage } from '@/db/policies/pipeline-imports';
import { imageInfo } from '@/db/rounds/samples';
import { AppError } from '@/lib/errors';
import { imageParamsSchema } from '../schema';

/**
 * An image, byte for byte as the policy drew it. The address is the content's hash, so a browser
 * may keep it for ever; only blobs that are images of samples, or
 * what an import drew, are served.
 */
export const GET = route(
  { needs: 'images.read', params: imageParamsSchema },
  async ({ params: { hash }, request }) => {
    if (!(await imageInfo(hash)) && !(await isImportImage(hash))) {
      throw new AppError('not-found', `No sample has an image ${hash}.`);
    }
    const headers = {
      'Cache-Control': 'private, max-age=31536000, immutable',
      ETag: `"${hash}"`,
      'Content-Type': 'image/png',
    };
    if (request.headers.get('if-none-match') === headers.ETag) {
      return new Response(null, { status: 304, headers });
    }
    const bytes = await checkedBlob(hash);
    return new Response(
      new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length),
      {
        headers: { ...headers, 'Content-Length': String(bytes.length) },
      },
    );
  },
);
