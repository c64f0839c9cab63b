import { route } from '../../../http/define-route';
import { loadAnnotators } from '../load-annotators';

/** How each annotator judges. */
export const GET = route({ needs: 'review.read' }, loadAnnotators);
