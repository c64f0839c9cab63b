import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { uploadLimit } from '@/app/http/rate-limit';
import { readBytes } from '@/app/http/read-body';
import { putBlob } from '@/db/blobs/blobs';

/**
 * Keeps a portion of a LoRA file, in its body as it is, for a day: until the file that it belongs
 * to is asked for. Sent again, nothing changes.
 */
export const POST = route(
  { needs: 'policies.import', params: idParamsSchema, limit: uploadLimit },
  async ({ request }) => ({ hash: await putBlob(await readBytes(request)) }),
);
