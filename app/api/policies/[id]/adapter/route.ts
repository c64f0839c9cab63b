import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { getBlob } from '@/db/blobs/blobs';
import { getPolicy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { atUnitStrength } from '@/lib/exchange/adapter-file';
import { attachment } from '../../attachment';

/**
 * A policy's weights: safetensors under diffusers' names, at the strength 1 that every program
 * takes them for.
 */
export const GET = route(
  { needs: 'policies.download', params: idParamsSchema },
  async ({ params }) => {
    const { name, adapterBlob } = await getPolicy(params.id);
    if (adapterBlob === null) {
      throw new AppError(
        'not-found',
        `${name} is a base policy: it has no adapter. Download one that was trained from it.`,
      );
    }
    const bytes = await getBlob(adapterBlob);
    return new Response(new Uint8Array(atUnitStrength(bytes)), {
      headers: attachment(`${name}.safetensors`, 'application/octet-stream'),
    });
  },
);
