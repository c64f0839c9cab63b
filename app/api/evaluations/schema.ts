import { z } from 'zod';
import { alarmSchema } from '@/lib/judges/alarms';
import { evaluationSummarySchema } from '@/lib/metrics';
import { proportionSchema } from '@/lib/statistics/proportion';

/** A rate that a judge measures, by the words that it declares. */
export const measureRefSchema = z.object({ id: z.string(), label: z.string() });

/** A key of lib/drawings.ts in a query. */
export const drawingKeySchema = z.string().min(1).max(100);

/** How images were drawn: a key for addresses, and words. */
export const drawingRefSchema = z.object({ key: z.string(), words: z.string() });

export type DrawingRef = z.infer<typeof drawingRefSchema>;

export type MeasureRef = z.infer<typeof measureRefSchema>;

/** What was measured of a policy, as pages show it: without what is told of single images. */
export const shownEvaluationSchema = evaluationSummarySchema
  .omit({ defects: true, alarms: true, rewards: true })
  .extend({
    /** How its images were drawn, in words; null where that is not known. */
    drawing: z.string().nullable(),
    /** In the order in which the judge declares them; none where nothing is judged. */
    defects: z.array(measureRefSchema.extend({ of: proportionSchema })),
    alarms: z.array(
      alarmSchema.extend({
        label: z.string(),
        explanation: z.string(),
        /**
         * What `before` and `after` are: shares of images without a defect, mean shares, or
         * distances.
         */
        kind: z.enum(['defect', 'alignment', 'diversity']),
      }),
    ),
  });

export type ShownEvaluation = z.infer<typeof shownEvaluationSchema>;
