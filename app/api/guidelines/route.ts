import { publishGuidelines } from '@/db/labeling/guidelines';
import { route } from '../../http/define-route';
import { manageLimit } from '../../http/rate-limit';
import { publishRequestSchema } from './schema';

/**
 * Puts a new version of the guidelines in force; everybody is asked to accept it before their next
 * pair.
 */
export const POST = route(
  { needs: 'guidelines.write', body: publishRequestSchema, limit: manageLimit },
  async ({ person, body }) => {
    const { version } = await publishGuidelines({ ...body, createdBy: person.id });
    return { version };
  },
);
