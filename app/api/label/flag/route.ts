import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { flagServed, unsetFlag } from '@/db/labeling/flags';
import { flagRequestSchema, type Outcome } from '../schema';

/** Sets or takes off one defect on one image, as seen by this person. */
export const POST = route(
  { needs: 'label', body: flagRequestSchema, limit: labelLimit },
  async ({ person, body: { set, ...flag } }): Promise<Outcome> => {
    await (set ? flagServed : unsetFlag)({ ...flag, annotatorId: person.id });
    return { outcome: 'counted' };
  },
);
