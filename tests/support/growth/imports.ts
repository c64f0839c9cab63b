import { derivedId } from '@/db/ids';
import { importRunId } from '@/db/rounds/import-run';
import { rounds, runs } from '@/db/schema/rounds';
import { growPair, growSample } from './answers';
import type { Person } from './people';
import { type Lineage, progressOf } from './rounds';
import { configOf, prompts } from './run-config';
import type { Soil } from './soil';

/** Answers given elsewhere, all in the one round that a pipeline keeps for them. */
export function growImports(
  soil: Soil,
  people: readonly Person[],
  { pipeline, baseId }: Lineage,
  answers: number,
) {
  const { insert, chance, startedAt } = soil;
  const givers = people.filter(({ imported }) => imported);
  if (givers.length === 0 || answers === 0) return;
  const [runId, roundId] = [importRunId(pipeline), derivedId('imports', pipeline, 'round')];
  const config = configOf(1, { undoWindowSeconds: 0 });
  insert(runs, {
    id: runId,
    name: 'Imported answers',
    mode: 'single',
    method: 'diffusion-dpo',
    pipeline,
    config,
    status: 'done',
    createdAt: startedAt,
  });
  insert(rounds, {
    id: roundId,
    runId,
    ordinal: 1,
    state: 'done',
    startPolicyId: baseId,
    config,
    progress: {
      ...progressOf(0),
      sampled: 2 * answers,
      samplesWanted: 2 * answers,
      labeled: answers,
      preferencesWanted: answers,
    },
    manifest: { imports: [{ file: 'pick-a-pic.jsonl', sha256: chance.hash(), answers }] },
    createdAt: startedAt,
    startedAt,
    finishedAt: startedAt,
  });
  for (let i = 0; i < answers; i++) {
    const prompt = chance.pick(prompts);
    const createdAt = startedAt + i;
    const of = {
      policyId: baseId,
      roundId,
      prompt,
      purpose: 'training' as const,
      createdAt,
      seed: 0,
      origin: 'sdxl-turbo',
    };
    const [sampleAId, sampleBId] = [growSample(soil, of), growSample(soil, of)];
    growPair(
      soil,
      {
        roundId,
        policyId: baseId,
        prompt,
        purpose: 'training',
        target: 1,
        state: 'complete',
        createdAt,
        answeredAt: createdAt,
        sampleAId,
        sampleBId,
      },
      [chance.pick(givers)],
    );
  }
}
