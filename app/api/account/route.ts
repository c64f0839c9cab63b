import { setBlurNsfw } from '@/db/people/users';
import { auth } from '../../auth/server';
import { route } from '../../http/define-route';
import { manageLimit } from '../../http/rate-limit';
import { changeAccountSchema } from './schema';

/** Changes one's own name, or whether sensitive images are blurred. */
export const PATCH = route(
  { needs: 'images.read', body: changeAccountSchema, limit: manageLimit },
  async ({ person, body }) => {
    if ('name' in body) {
      await (await auth()).api.rename({ body: { userId: person.id, name: body.name } });
    } else {
      await setBlurNsfw(person.id, body.blurNsfw);
    }
  },
);
