import { route } from '../../http/define-route';
import { trainerState } from '../../reads/rounds/summaries';

/** Whether a trainer is there: what no event tells is that one fell silent. */
export const GET = route({ needs: 'rounds.read' }, trainerState);
