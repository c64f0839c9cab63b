import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { getBlob } from '@/db/blobs/blobs';
import { getPolicy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { adapterFor } from '@/lib/exchange/adapter-file';
import { attachment } from '../../attachment';
import { adapterFileName } from '../../file-names';
import { adapterQuerySchema } from '../../schema';

/**
 * A policy's weights: safetensors under diffusers' names or kohya's, at the strength 1 that every
 * program takes them for.
 */
export const GET = route(
  { needs: 'policies.download', params: idParamsSchema, query: adapterQuerySchema },
  async ({ params, query: { names } }) => {
    const { name, adapterBlob } = await getPolicy(params.id);
    if (adapterBlob === null) {
      throw new AppError(
        'not-found',
        `${name} is a base policy: it has no adapter. Download one that was trained from it.`,
      );
    }
    const bytes = await getBlob(adapterBlob);
    return new Response(new Uint8Array(adapterFor(names, bytes)), {
      headers: attachment(adapterFileName(name, names), 'application/octet-stream'),
    });
  },
);
