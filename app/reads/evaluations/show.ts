import type { Evaluation } from '@/db/rounds/metrics';
import { drawingText } from '@/lib/drawings';
import { signalWords } from '@/lib/judges/alarms';
import { type DeclaredJudge, defectsAmong } from '@/lib/judges/judging';
import type { ShownEvaluation } from '../../api/evaluations/schema';

/**
 * An evaluation in the words of the judge of its pipeline. Numbers of single images are for the
 * pages that show them.
 */
export function showEvaluation(
  evaluation: Evaluation | null,
  judge: DeclaredJudge | null,
): ShownEvaluation | null {
  if (!evaluation) return null;
  const { rewards: _, defects, alarms = [], ...summary } = evaluation.summary;
  return {
    ...summary,
    drawing: evaluation.drawing === null ? null : drawingText(evaluation.drawing),
    defects: defectsAmong(judge, defects).map(({ id, label }) => ({ id, label, of: defects[id]! })),
    alarms: alarms.map((alarm) => ({
      ...alarm,
      ...signalWords(judge, alarm.signal),
      kind: alarm.signal === 'alignment' || alarm.signal === 'diversity' ? alarm.signal : 'defect',
    })),
  };
}
