import { route } from '@/app/http/define-route';
import { manageLimit } from '@/app/http/rate-limit';
import { loadRatings } from '@/app/reads/policies/load-ratings';
import { askWhichIsBetter, stopAsking } from '@/db/comparisons/ask';
import { askSchema, ratingsQuerySchema, stopQuerySchema } from './schema';

/** How the versions of a pipeline rate, and of which people are asked. */
export const GET = route({ needs: 'policies.read', query: ratingsQuerySchema }, ({ query }) =>
  loadRatings(query),
);

/** Asks people which of two versions is better. */
export const POST = route(
  { needs: 'rounds.manage', body: askSchema, limit: manageLimit },
  async ({ person, body: { one, other, drawing, pairs, people, untilSure } }) => ({
    asked: await askWhichIsBetter({
      versions: [one, other],
      drawing,
      most: pairs,
      people,
      untilSure,
      askedBy: person.id,
    }),
  }),
);

/** Stops asking. */
export const DELETE = route(
  { needs: 'rounds.manage', query: stopQuerySchema, limit: manageLimit },
  async ({ person, query: { one, other } }) => ({
    withdrawn: await stopAsking([one, other], person.id),
  }),
);
