import { putBlob } from '@/db/blobs/blobs';
import { derivedId } from '@/db/ids';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { setServing } from '@/db/policies/aliases';
import { createPolicy, getPolicy, type Policy } from '@/db/policies/policies';
import { advanceReadyRounds } from '@/db/rounds/advance';
import { recordEvaluation, recordTrainSteps } from '@/db/rounds/metrics';
import { getRound, updateProgress } from '@/db/rounds/rounds';
import { type NewSample, recordSamples } from '@/db/rounds/samples';
import { claimWork, failWork } from '@/db/work/queue';
import { finishEvaluation, finishTraining } from '@/db/work/results';
import type { RoundWorkKind } from '@/lib/work';
import { handsRates, handsVerdict } from '@/tests/support/hands-verdict';
import { float32 } from '@/trainer/graph/tensor';
import { serializePolicy } from '@/trainer/rounds/train/policy-file';
import { createUser } from '../../support/people';
import { drawPicture, pictureSide, seedRound } from './seed';

const workerId = 'seed';
const evaluationPrompts = ['1 hand, red sleeve', '1 hand, on a yellow background'];
const evaluationImages = 8;

/** The one module that the trained policy changes. */
export const adapterModule = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q';

/** A small adapter at strength 1. */
const adapterBytes = serializePolicy({
  kind: { trainables: 'attention', loraRank: 2, loraAlpha: 2 },
  pipelineHash: 'hash',
  tensors: new Map([
    [`${adapterModule}.lora_A.weight`, float32([2, 3], [1, 2, 3, 4, 5, 6])],
    [`${adapterModule}.lora_B.weight`, float32([3, 2], [6, 5, 4, 3, 2, 1])],
  ]),
});

/** What a finished round has left behind. */
export interface History {
  roundId: string;
  base: Policy;
  trained: Policy;
  annotatorIds: string[];
}

/**
 * A round from its start to its end as trainer and people would have made it: two annotators judge
 * four pairs, and the new policy draws 2 bad hands of 8 where the base drew 6, if a program judges
 * them.
 */
export async function seedFinishedRound({
  judged = true,
  drawing,
}: {
  judged?: boolean;
  /** How the evaluation images were drawn, a key. */
  drawing?: string;
} = {}): Promise<History> {
  const roundId = await seedRound({ pairs: 4, annotatorsPerPair: 2, undoWindowSeconds: 0, judged });
  const annotatorIds = await judgeAll(['Ann', 'Bob']);
  const { startPolicyId } = await getRound(roundId);
  const base = await getPolicy(startPolicyId);

  const training = await claim('train');
  await updateProgress(roundId, { trainedSteps: 4, trainSteps: 4 });
  await recordTrainSteps(roundId, trainSteps(4));
  const trained = await createPolicy({
    id: derivedId('trained', roundId),
    name: 'hands 1',
    parentId: base.id,
    pipeline: base.pipeline,
    adapterBlob: await putBlob(adapterBytes),
    hash: derivedId('hash', roundId),
    manifest: { description: 'Made by a test.' },
    roundId,
  });
  await finishTraining({ ...training, resultPolicyId: trained.id, manifest: { seed: 0 } });

  const evaluation = await claim('evaluate');
  await evaluate(base, { roundId, deformed: judged ? 6 : null, against: null, drawing });
  await evaluate(trained, { roundId, deformed: judged ? 2 : null, against: base, drawing });
  await finishEvaluation(evaluation);
  // A single round serves nothing by itself.
  await setServing(trained.id, null);
  return { roundId, base, trained, annotatorIds };
}

/** A round whose training stopped with this message. */
export async function seedFailedRound(error: string): Promise<string> {
  const roundId = await seedRound({ pairs: 2, undoWindowSeconds: 0 });
  await judgeAll(['Cleo']);
  await failWork({ ...(await claim('train')), error });
  return roundId;
}

async function claim(kind: RoundWorkKind) {
  // No trainer runs that would look whether the answers suffice.
  await advanceReadyRounds();
  const claimed = await claimWork({ workerId, kinds: [kind] });
  if (!claimed) throw new Error(`there is no work of the kind ${kind} to claim`);
  return { workId: claimed.work.id, workerId };
}

/**
 * Everybody judges everything there is, the same way: the image with the smaller hash is better.
 * @param decisionMs how long each looks at a pair
 */
export async function judgeAll(names: string[], decisionMs = 1500): Promise<string[]> {
  const ids: string[] = [];
  for (const name of names) {
    const { id } = await createUser({ name, email: `${name}@example.org`, role: 'annotator' });
    ids.push(id);
    for (;;) {
      const leased = await leasePairs({ annotatorId: id, count: 1 });
      if (leased.state !== 'pairs') break;
      const [pair] = leased.pairs;
      if (!pair) break;
      const answer = pair.left.imageBlob < pair.right.imageBlob ? 'left' : 'right';
      await submitPreference({
        id: crypto.randomUUID(),
        leaseId: pair.leaseId,
        annotatorId: id,
        answer,
        shownAtMs: 1000,
        decidedAtMs: 1000 + decisionMs,
        guidelinesVersion: 1,
      });
    }
  }
  return ids;
}

function trainSteps(count: number) {
  return Array.from({ length: count }, (_, step) =>
    [null, 901, 401].map((timestep) => ({
      step,
      timestep,
      metrics: {
        loss: Math.LN2 - 0.001 * step,
        implicitAccuracy: 0.5 + 0.1 * step,
        logRatioWinner: 0.01 * step,
        logRatioLoser: -0.01 * step,
        clipFraction: 0,
        kl: 0.001 * step,
        gradNorm: 0.4,
      },
    })),
  ).flat();
}

async function evaluate(
  policy: Policy,
  {
    roundId,
    deformed,
    against,
    drawing,
  }: {
    roundId: string;
    /** So many of the images; null: nobody judges. */
    deformed: number | null;
    against: Policy | null;
    drawing?: string;
  },
) {
  const samples = await Promise.all(
    Array.from({ length: evaluationImages }, async (_, index): Promise<NewSample> => {
      const bad = index < (deformed ?? 0);
      return {
        id: derivedId('evaluation', policy.id, index),
        policyId: policy.id,
        roundId,
        groupId: null,
        prompt: evaluationPrompts[index % evaluationPrompts.length] ?? '',
        seed: 1000 + index,
        noiseSeed: 1000 + index,
        imageBlob: await putBlob(drawPicture(against ? 500 + index : 400 + index)),
        width: pictureSide,
        height: pictureSide,
        trajectoryBlob: null,
        purpose: 'evaluation',
        drawing,
        verdict:
          deformed === null
            ? null
            : handsVerdict('seed', { fingers: bad ? 6 : 5, deformed: bad, blood: index === 7 }),
      };
    }),
  );
  await recordSamples({ samples });
  await recordEvaluation({
    roundId,
    policyId: policy.id,
    comparedToPolicyId: against?.id ?? null,
    drawing,
    summary: {
      images: evaluationImages,
      ...(deformed === null
        ? { defects: {}, alignment: null, winRate: null }
        : {
            judge: 'seed',
            ...handsRates(
              { count: deformed, n: evaluationImages },
              { count: 1, n: evaluationImages },
            ),
            alignment: 0.75,
            winRate: against && { wins: 4, ties: 4, n: evaluationImages },
          }),
      diversity: 0.3,
    },
  });
}
