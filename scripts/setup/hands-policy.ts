import { openScheduler } from '@/trainer/diffusion/pipelines/pipeline';
import { handsJudge } from '@/trainer/hands/judge/declaration';
import { handsPresets, handsRunName } from '@/trainer/hands/presets';
import { EVALUATION_PROMPTS, TRAINING_PROMPTS } from '@/trainer/hands/prompts';
import { knownPipelineHash } from '@/trainer/rounds/pipelines/known-hash';

const folder = 'trainer/hands/policy';
const trainingPromptCount = 48;
const evaluationPromptCount = 24;

/** So many of a list, evenly spaced, so that every attribute occurs. */
function spread(prompts: readonly string[], count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => prompts[Math.floor((i * prompts.length) / count)]!,
  );
}

/** The built-in policy as the database knows it, with what its first run draws. */
export async function handsPolicy() {
  return {
    pipeline: 'hands',
    name: 'hands',
    hash: await knownPipelineHash(folder),
    manifest: {
      description: 'Draws hands at 64 × 64 pixels, often wrongly: the built-in policy.',
      width: 64,
      height: 64,
      suggestedPrompts: spread(TRAINING_PROMPTS, trainingPromptCount),
      suggestedEvaluationPrompts: spread(EVALUATION_PROMPTS, evaluationPromptCount),
      suggestedRunName: handsRunName,
      suggestedPreset: 'hands' as const,
      presets: handsPresets,
      judge: handsJudge,
      schedule: (await openScheduler(folder)).text,
    },
  };
}
