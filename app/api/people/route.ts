import { route } from '../../http/define-route';
import { loadPeople } from '../../reads/people/load-people';
import { peopleQuerySchema } from './schema';

/** People, some at a time. */
export const GET = route({ needs: 'people.manage', query: peopleQuerySchema }, ({ query }) =>
  loadPeople(query),
);
