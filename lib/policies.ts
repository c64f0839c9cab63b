import { z } from 'zod';
import { moduleNamings } from './exchange/module-names';
import { judgeSchema } from './judges/judging';
import { foundPipelineSchema } from './pipeline-imports';
import { presetsSchema } from './settings/presets';
import { trainingSettings } from './settings/training';

type Trainables = keyof typeof trainingSettings.trainables.choices;

/**
 * What is known of a policy besides its weights. A base policy suggests prompts for a first run; a
 * trained one records what it came from, so that it can be made again bit for bit.
 */
export const policyManifestSchema = z.looseObject({
  description: z.string().optional(),
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  suggestedPrompts: z.array(z.string()).optional(),
  suggestedEvaluationPrompts: z.array(z.string()).optional(),
  /** What a first run may be called. */
  suggestedRunName: z.string().optional(),
  suggestedPreset: z.string().optional(),
  /** By name: the settings that suit this pipeline. */
  presets: presetsSchema.optional(),
  /** What the program measures that judges this pipeline's images; without it nothing is judged. */
  judge: judgeSchema.optional(),
  /** What is made of the pipeline's scheduler file, for people. */
  schedule: z.string().optional(),
  /** Whose names its adapter's modules have; left out, a UNet's. */
  modules: z.enum(moduleNamings).optional(),
  /** What its import found. */
  found: foundPipelineSchema.optional(),
  /** The configuration that trained it; none of a base policy. */
  config: z
    .looseObject({
      training: z.looseObject({
        trainables: z.enum(Object.keys(trainingSettings.trainables.choices) as Trainables[]),
        loraRank: z.number(),
        loraAlpha: z.number(),
      }),
    })
    .optional(),
});

export type PolicyManifest = z.infer<typeof policyManifestSchema>;

/** The alias that names the policy served for a pipeline. */
export function servingAlias(pipeline: string): string {
  return `serving:${pipeline}`;
}
