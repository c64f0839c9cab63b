import { imports } from '@/db/schema/imports';
import { growPair, growSample } from './answers';
import type { Person } from './people';
import type { Lineage } from './rounds';
import { prompts } from './run-config';
import type { Soil } from './soil';

const filesMax = 40;

/** Answers given elsewhere, from files of equal length. Returns the ids of the imports. */
export function growImports(
  soil: Soil,
  people: readonly Person[],
  { pipeline, baseId }: Lineage,
  answers: number,
): string[] {
  const { insert, chance, startedAt } = soil;
  const givers = people.filter(({ imported }) => imported);
  if (givers.length === 0 || answers === 0) return [];
  const each = Math.ceil(answers / filesMax);
  const ids: string[] = [];
  for (let first = 0; first < answers; first += each) {
    const n = Math.min(each, answers - first);
    const id = chance.id();
    ids.push(id);
    insert(imports, {
      id,
      pipeline,
      policyId: baseId,
      source: `pick-a-pic-${ids.length}.jsonl`,
      sha256: chance.hash(),
      format: 'lines',
      offered: n,
      answers: n,
      images: 2 * n,
      people: Math.min(n, givers.length),
      createdAt: startedAt + first,
      finishedAt: startedAt + first,
    });
    for (let i = first; i < first + n; i++) growAnswer(soil, givers, baseId, id, startedAt + i);
  }
  return ids;
}

function growAnswer(
  soil: Soil,
  givers: readonly Person[],
  policyId: string,
  importId: string,
  createdAt: number,
): void {
  const { chance } = soil;
  const prompt = chance.pick(prompts);
  const from = { policyId, importId, prompt, purpose: 'training' as const, createdAt };
  const of = { ...from, seed: 0, origin: 'sdxl-turbo' };
  const [sampleAId, sampleBId] = [growSample(soil, of), growSample(soil, of)];
  growPair(
    soil,
    { ...from, target: 1, state: 'complete', answeredAt: createdAt, sampleAId, sampleBId },
    [chance.pick(givers)],
  );
}
