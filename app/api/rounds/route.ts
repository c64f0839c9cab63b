import { route } from '../../http/define-route';
import { loadRounds } from '../../reads/rounds/load-rounds';
import { roundsQuerySchema } from './schema';

/** Rounds, newest first, some at a time, and whether a trainer is there to work on them. */
export const GET = route({ needs: 'rounds.read', query: roundsQuerySchema }, ({ query }) =>
  loadRounds(query),
);
