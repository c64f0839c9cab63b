/** @file Pairs with what people said of them, image by image and answer by answer. */

import { flags, leases, pairs, preferences, samples, skips } from '@/db/schema/labels';
import type { Answer } from '@/lib/answers';
import type { PairState, Purpose, Verdict } from '@/lib/samples';
import { handsVerdict } from '../hands-verdict';
import type { Person } from './people';
import type { Soil } from './soil';

/** Stores an image with the judge's verdict and the flags that follow from it. */
export function growSample(
  { insert, chance, imageBlob }: Soil,
  of: {
    policyId: string;
    /** One of both. */
    roundId?: string;
    importId?: string;
    prompt: string;
    purpose: Purpose;
    createdAt: number;
    groupId?: string;
    seed?: number;
    origin?: string;
  },
): string {
  const id = chance.id();
  const judged = of.origin === undefined;
  const verdict: Verdict = handsVerdict(
    'hands-judge 3f2a',
    {
      fingers: 3 + chance.below(4),
      deformed: chance.next() < 0.25,
      blood: chance.next() < 0.08,
    },
    {
      attributes: { skin: 'pale', sleeve: 'red', background: 'yellow' },
      alignment: chance.below(5) / 4,
    },
  );
  const seed = of.seed ?? chance.below(2 ** 31);
  insert(samples, {
    id,
    seed,
    noiseSeed: seed,
    imageBlob: imageBlob(),
    width: 64,
    height: 64,
    trajectoryBlob: judged ? chance.hash() : null,
    verdict: judged ? verdict : null,
    ...of,
  });
  if (!judged) return id;
  for (const kind of verdict.flags) {
    const state = chance.next() < 0.7 ? 'open' : chance.next() < 0.7 ? 'confirmed' : 'rejected';
    insert(flags, {
      id: chance.id(),
      sampleId: id,
      kind,
      source: 'judge',
      state,
      createdAt: of.createdAt,
    });
  }
  return id;
}

/** Who judges: a few much, most a little. */
export function drawJudges({ chance }: Soil, people: readonly Person[], count: number): Person[] {
  const chosen = new Set<Person>();
  for (let tries = 0; chosen.size < count && tries < 100; tries++) {
    chosen.add(people[Math.floor(people.length * chance.next() ** 2)]!);
  }
  return [...chosen];
}

export interface GrownPair {
  id: string;
  sampleAId: string;
  sampleBId: string;
  /** What each judge preferred, null for neither; in the order in which they answered. */
  preferred: (string | null)[];
}

/**
 * Stores a pair with the answers of `judges`, each with its lease; some change their mind, others
 * skip it.
 */
export function growPair(
  soil: Soil,
  of: {
    /** One of both. */
    roundId?: string;
    importId?: string;
    policyId: string;
    prompt: string;
    purpose: Purpose;
    target: number;
    state: PairState;
    createdAt: number;
    answeredAt: number;
    goldSampleId?: string;
    sampleAId: string;
    sampleBId: string;
  },
  judges: readonly Person[],
  skippers: readonly Person[] = [],
): GrownPair {
  const { insert, chance } = soil;
  const { sampleAId, sampleBId, policyId, answeredAt, ...pair } = of;
  const id = chance.id();
  insert(pairs, { id, sampleAId, sampleBId, sharedNoise: false, ...pair });
  // Most see the same: agreement beyond chance.
  const better = of.goldSampleId ?? (chance.next() < 0.5 ? sampleAId : sampleBId);
  const preferred = judges.map((judge, i) => {
    const aLeft = chance.next() < 0.5;
    const sides = {
      leftSampleId: aLeft ? sampleAId : sampleBId,
      rightSampleId: aLeft ? sampleBId : sampleAId,
    };
    const at = answeredAt + 4000 * i;
    const leaseId = chance.id();
    insert(leases, {
      id: leaseId,
      pairId: id,
      annotatorId: judge.id,
      ...sides,
      servedAt: at - 3000,
      expiresAt: at + 60_000,
      releasedAt: at,
    });
    const answer = (supersededAt: number | null, createdAt: number): Answer => {
      const said = drawAnswer(soil, sides.leftSampleId === better);
      const decisionMs = 400 + Math.floor(4000 * chance.next() ** 3);
      insert(preferences, {
        id: chance.id(),
        pairId: id,
        annotatorId: judge.id,
        leaseId,
        answer: said,
        ...sides,
        policyId,
        importId: of.importId ?? null,
        purpose: of.purpose,
        guidelinesVersion: 1,
        shownAtMs: createdAt - decisionMs,
        decidedAtMs: createdAt,
        decisionMs,
        supersededAt,
        createdAt,
      });
      return said;
    };
    if (chance.next() < 0.03) answer(at - 500, at - 1500);
    const said = answer(null, at);
    flagSome(soil, judge, sides.leftSampleId, at);
    return said === 'left' ? sides.leftSampleId : said === 'right' ? sides.rightSampleId : null;
  });
  for (const { id: annotatorId } of skippers) {
    insert(skips, { pairId: id, annotatorId, createdAt: answeredAt });
  }
  return { id, sampleAId, sampleBId, preferred };
}

function drawAnswer({ chance }: Soil, leftIsBetter: boolean): Answer {
  const drawn = chance.next();
  if (drawn < 0.08) return 'tie';
  if (drawn < 0.16) return 'both-bad';
  return leftIsBetter === chance.next() < 0.78 ? 'left' : 'right';
}

function flagSome({ insert, chance }: Soil, judge: Person, sampleId: string, createdAt: number) {
  if (chance.next() > 0.3) return;
  const kind = chance.pick(['hand', 'nsfw', 'artifact', 'text', 'other'] as const);
  const state = chance.next() < 0.8 ? 'open' : chance.next() < 0.7 ? 'confirmed' : 'rejected';
  insert(flags, {
    id: chance.id(),
    sampleId,
    kind,
    source: 'annotator',
    annotatorId: judge.id,
    state,
    createdAt,
  });
}
