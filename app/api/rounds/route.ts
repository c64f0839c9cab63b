import { route } from '../../http/define-route';
import { loadRounds } from './load-rounds';

/** All rounds, newest first, and whether a trainer is there to work on them. */
export const GET = route({ needs: 'rounds.read' }, loadRounds);
