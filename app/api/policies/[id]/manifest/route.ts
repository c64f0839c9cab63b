import { idParamsSchema } from '@/app/api/id-params';
import { route } from '@/app/http/define-route';
import { getPolicy } from '@/db/policies/policies';
import { getRound } from '@/db/rounds/rounds';
import { attachment } from '../../attachment';

/** What made a policy: its own manifest and that of the round that trained it. */
export const GET = route(
  { needs: 'policies.download', params: idParamsSchema },
  async ({ params }) => {
    const { id, name, parentId, pipeline, adapterBlob, hash, manifest, roundId, createdAt } =
      await getPolicy(params.id);
    const round = roundId === null ? null : await getRound(roundId);
    const content = {
      policy: { id, name, parentId, pipeline, hash, adapterSha256: adapterBlob, createdAt },
      manifest,
      round: round && {
        id: round.id,
        ordinal: round.ordinal,
        config: round.config,
        manifest: round.manifest,
      },
    };
    return new Response(`${JSON.stringify(content, null, 2)}\n`, {
      headers: attachment(`${name}.manifest.json`, 'application/json'),
    });
  },
);
