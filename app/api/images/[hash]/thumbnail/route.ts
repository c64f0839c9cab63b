import { route } from '@/app/http/define-route';
import { thumbnailOf } from '@/app/reads/images/thumbnail';
import { checkedBlob } from '@/db/blobs/checked';
import { imageParamsSchema } from '../../schema';

/** A sample's image, small: for strips and lists. It is made when it is first asked for. */
export const GET = route(
  { needs: 'images.read', params: imageParamsSchema },
  async ({ params: { hash }, request }) => {
    const thumbnail = await thumbnailOf(hash);
    const headers = {
      'Cache-Control': 'private, max-age=31536000, immutable',
      ETag: `"${thumbnail}"`,
      'Content-Type': 'image/webp',
    };
    if (request.headers.get('if-none-match') === headers.ETag) {
      return new Response(null, { status: 304, headers });
    }
    const bytes = await checkedBlob(thumbnail);
    return new Response(new Uint8Array(bytes), {
      headers: { ...headers, 'Content-Length': String(bytes.length) },
    });
  },
);
