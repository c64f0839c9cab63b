/**
 * @file Runs of ten rounds each, one policy growing out of another; the last round of all is being
 * labeled.
 */

import { groups, taggings, trainingPairs } from '@/db/schema/labels';
import { aliases, policies } from '@/db/schema/policies';
import { rewardModels } from '@/db/schema/rewards';
import { evaluations, events, rounds, runs, trainSteps, work, workers } from '@/db/schema/rounds';
import type { Method } from '@/lib/methods';
import type { EvaluationSummary } from '@/lib/metrics';
import { servingAlias } from '@/lib/policies';
import type { RoundProgress, RoundState } from '@/lib/rounds';
import type { RunStatus } from '@/lib/runs';
import { pairFromAnswers } from '@/lib/training/pairing';
import { handsJudge } from '@/trainer/hands/judge/declaration';
import { handsPresets } from '@/trainer/hands/presets';
import { handsRates } from '../hands-verdict';
import { drawJudges, type GrownPair, growPair, growSample } from './answers';
import type { Person } from './people';
import { configOf, evaluationPrompts, prompts } from './run-config';
import type { Soil } from './soil';

const roundsPerRun = 10;
const evaluationImages = 60;
const trainStepsPerRound = 10;
const groupSize = 7;

/** The versions of a pipeline, the newest being served. */
export interface Lineage {
  pipeline: string;
  baseId: string;
  policyIds: string[];
  roundIds: string[];
}

interface Run {
  id: string;
  name: string;
  method: Method;
  lineage: Lineage;
  annotatorsPerPair: number;
  pairSource: 'pairs' | 'groups';
}

/** Rounds with `answers` standing answers to their pairs, spread evenly. */
export function growRounds(
  soil: Soil,
  people: readonly Person[],
  wanted: { rounds: number; answers: number; openPairs: number },
): { lineages: Lineage[]; labelingRoundId: string } {
  const { now, startedAt } = soil;
  const judges = people.filter(({ imported }) => !imported);
  const lineages = ['hands', '/models/tiny-sd'].map((pipeline, i) =>
    growBase({ ...soil, startedAt: startedAt + i }, pipeline),
  );
  const kinds = Array.from({ length: wanted.rounds }, (_, i) => kindOf(i, wanted.rounds));
  const asking = kinds.filter(({ asks }) => asks).length;
  let left = wanted.answers;
  let [asked, ordinal, labelingRoundId] = [0, 0, ''];
  let run: Run | undefined;
  kinds.forEach((kind, i) => {
    const before = kinds[i - 1];
    const goesOn = before && i % roundsPerRun > 0 && sameRun(before, kind);
    ordinal = goesOn ? ordinal + 1 : 1;
    if (!goesOn || !run) {
      const last = kinds.length - 1;
      const isLast =
        Math.floor(i / roundsPerRun) === Math.floor(last / roundsPerRun) &&
        sameRun(kind, kinds[last]!);
      const lineage = lineages[kind.lineage]!;
      run = growRun(soil, judges, i, { ...kind, lineage, status: isLast ? 'active' : 'done' });
    }
    const answers = kind.asks ? Math.ceil(left / (asking - asked++)) : 0;
    left -= answers;
    const at = startedAt + ((now - startedAt) * i) / wanted.rounds;
    const span = (now - startedAt) / wanted.rounds;
    const id = growRound(soil, judges, run, {
      ...kind,
      ordinal,
      answers,
      at,
      span,
      openPairs: wanted.openPairs,
    });
    if (kind.state === 'labeling') labelingRoundId = id;
  });
  for (const { pipeline, policyIds } of lineages) {
    soil.insert(aliases, {
      name: servingAlias(pipeline),
      policyId: policyIds.at(-1)!,
      setAt: startedAt,
    });
  }
  soil.insert(workers, {
    id: 'trainer',
    pid: 1,
    host: 'this-machine',
    device: 'cpu',
    startedAt,
    heartbeatAt: now,
    info: {},
  });
  return { lineages, labelingRoundId };
}

interface Kind {
  state: RoundState;
  method: Method;
  pairSource: 'pairs' | 'groups';
  annotatorsPerPair: number;
  lineage: number;
  asks: boolean;
}

/**
 * Of ten runs seven ask for picks, one has groups tagged, one follows a reward, one belongs to a
 * second pipeline.
 */
function kindOf(i: number, all: number): Kind {
  const of = Math.floor(i / roundsPerRun);
  const last = i === all - 1;
  const small = all <= roundsPerRun;
  const turn = small ? i : of % 10;
  const groupsTurn = !last && turn === 4;
  const rewardTurn = !last && turn === 6;
  const state = last ? 'labeling' : i % 40 === 17 ? 'failed' : i % 40 === 31 ? 'cancelled' : 'done';
  return {
    state,
    method: rewardTurn ? 'draft' : 'd3po',
    pairSource: groupsTurn ? 'groups' : 'pairs',
    annotatorsPerPair: [2, 1, 3, 2][of % 4]!,
    lineage: !last && turn === 2 ? 1 : 0,
    asks: !groupsTurn && !rewardTurn,
  };
}

function sameRun(one: Kind, other: Kind): boolean {
  return (
    one.method === other.method &&
    one.pairSource === other.pairSource &&
    one.lineage === other.lineage
  );
}

function growBase({ insert, chance, startedAt }: Soil, pipeline: string): Lineage {
  const baseId = chance.id();
  insert(policies, {
    id: baseId,
    name: pipeline.split('/').at(-1)!,
    pipeline,
    hash: chance.hash(),
    manifest: {
      width: 64,
      height: 64,
      suggestedPrompts: prompts,
      suggestedEvaluationPrompts: evaluationPrompts,
      presets: handsPresets,
      judge: handsJudge,
    },
    createdAt: startedAt,
  });
  for (const [version, source] of (['picks', 'flags', 'picks'] as const).entries()) {
    insert(rewardModels, {
      id: chance.id(),
      pipeline,
      source,
      version: version + 1,
      state: 'ready',
      until: startedAt,
      blob: chance.hash(),
      report: {
        examples: 900,
        annotators: 12,
        ties: 70,
        until: startedAt,
        heldOut: { count: 640, n: 830 },
        ceiling: { count: 300, n: 380 },
        calibration: [{ predicted: 0.7, observed: { count: 210, n: 300 } }],
        warnings: [],
      },
      createdAt: startedAt + version,
      finishedAt: startedAt + version,
    });
  }
  return { pipeline, baseId, policyIds: [baseId], roundIds: [] };
}

function growRun(
  { insert, chance, startedAt }: Soil,
  people: readonly Person[],
  at: number,
  of: Omit<Kind, 'lineage'> & { lineage: Lineage; status: RunStatus },
): Run {
  const { method, lineage, annotatorsPerPair, pairSource } = of;
  const run = {
    id: chance.id(),
    name: `Run ${at}`,
    method,
    lineage,
    annotatorsPerPair,
    pairSource,
  };
  insert(runs, {
    ...run,
    mode: 'online',
    pipeline: lineage.pipeline,
    config: configOf(annotatorsPerPair, {}, pairSource),
    status: of.status,
    createdBy: people[1]!.id,
    createdAt: startedAt + at,
  });
  return run;
}

interface RoundPlan extends Kind {
  ordinal: number;
  answers: number;
  at: number;
  span: number;
  openPairs: number;
}

/** A round's progress when `answers` have come. */
export function progressOf(answers: number): RoundProgress {
  return {
    sampled: 2 * answers,
    samplesWanted: 2 * answers,
    labeled: answers,
    preferencesWanted: answers,
    trainedSteps: trainStepsPerRound,
    trainSteps: trainStepsPerRound,
    evaluated: evaluationImages,
    evaluationsWanted: evaluationImages,
    etaSeconds: null,
  };
}

function growRound(soil: Soil, people: readonly Person[], run: Run, plan: RoundPlan): string {
  const { insert, chance } = soil;
  const { state, answers, ordinal, at } = plan;
  const { lineage } = run;
  const id = chance.id();
  const startPolicyId = lineage.policyIds.at(-1)!;
  const resultPolicyId = state === 'done' ? chance.id() : null;
  const config = configOf(run.annotatorsPerPair, {}, run.pairSource);
  const createdAt = Math.floor(at);
  if (resultPolicyId) {
    insert(policies, {
      id: resultPolicyId,
      name: `${run.name} ${ordinal}`,
      parentId: startPolicyId,
      pipeline: lineage.pipeline,
      adapterBlob: chance.hash(),
      hash: chance.hash(),
      manifest: {
        width: 64,
        height: 64,
        training: { method: run.method, steps: trainStepsPerRound },
        config,
      },
      roundId: id,
      createdAt: Math.floor(at + plan.span),
    });
  }
  insert(rounds, {
    id,
    runId: run.id,
    ordinal,
    state,
    startPolicyId,
    resultPolicyId,
    config,
    progress:
      state === 'labeling'
        ? {
            ...progressOf(answers),
            trainedSteps: 0,
            evaluated: 0,
            preferencesWanted: answers + plan.openPairs * run.annotatorsPerPair,
          }
        : progressOf(answers),
    error:
      state === 'failed' ? 'The loss is not a number after step 3. Lower the learning rate.' : null,
    manifest:
      state === 'done'
        ? {
            trainingData: {
              answers,
              used: answers,
              tooYoung: 0,
              heldBack: 0,
              undecided: 0,
              trainingPairs: answers,
              until: createdAt,
            },
            training: {
              method: run.method,
              seed: 0,
              ordinal,
              steps: trainStepsPerRound,
              dataHash: chance.hash(),
            },
          }
        : null,
    createdAt,
    startedAt: createdAt,
    finishedAt: state === 'labeling' ? null : Math.floor(at + plan.span),
  });
  lineage.roundIds.push(id);
  const of = { roundId: id, policyId: startPolicyId, createdAt };
  if (run.pairSource === 'groups') growGroups(soil, people, of);
  else if (plan.asks) growPairs(soil, people, run, plan, of);
  const kinds =
    state === 'done' ? (['sample', 'train', 'evaluate'] as const) : (['sample'] as const);
  for (const kind of kinds) {
    insert(work, { id: chance.id(), roundId: id, kind, state: 'done', createdAt });
  }
  if (resultPolicyId) {
    lineage.policyIds.push(resultPolicyId);
    growOutcome(soil, run, {
      roundId: id,
      startPolicyId,
      resultPolicyId,
      createdAt: Math.floor(at + plan.span),
    });
  }
  return id;
}

type Place = { roundId: string; policyId: string; createdAt: number };

function growPairs(soil: Soil, people: readonly Person[], run: Run, plan: RoundPlan, of: Place) {
  const { insert, chance, now } = soil;
  let [left, ordinal] = [plan.answers, 0];
  const grow = (judges: readonly Person[], answeredAt: number, open: boolean) => {
    const prompt = chance.pick(prompts);
    const gold = !open && chance.next() < 0.03;
    const sample = { ...of, prompt, purpose: 'training' as const };
    const sampleAId = growSample(soil, sample);
    const sampleBId = growSample(soil, { ...sample, purpose: gold ? 'gold' : 'training' });
    const target = run.annotatorsPerPair;
    const pair = growPair(
      soil,
      {
        ...of,
        prompt,
        purpose: gold ? 'gold' : 'training',
        goldSampleId: gold ? sampleAId : undefined,
        target,
        state:
          judges.length >= target ? 'complete' : plan.state === 'labeling' ? 'open' : 'withdrawn',
        answeredAt,
        sampleAId,
        sampleBId,
      },
      judges,
      chance.next() < 0.05 ? [chance.pick(people)].filter((one) => !judges.includes(one)) : [],
    );
    if (plan.state === 'done' && !gold) ordinal = freeze(pair, ordinal);
  };
  const freeze = (pair: GrownPair, at: number) => {
    const weighted = pairFromAnswers(pair, pair.preferred, 'agreement');
    if (!weighted) return at;
    insert(trainingPairs, { roundId: of.roundId, ordinal: at, pairId: pair.id, ...weighted });
    return at + 1;
  };
  while (left > 0) {
    const judges = drawJudges(soil, people, Math.min(left, run.annotatorsPerPair));
    left -= judges.length;
    const answeredAt = Math.min(
      now - 8000,
      Math.floor(plan.at + plan.span * (1 - left / plan.answers) * 0.9),
    );
    grow(judges, answeredAt, false);
    if (answeredAt > now - 7 * 24 * 3600_000) {
      const payload = { ...progressOf(plan.answers), labeled: plan.answers - left };
      insert(events, { kind: 'progress', roundId: of.roundId, payload, createdAt: answeredAt });
    }
  }
  if (plan.state !== 'labeling') return;
  for (let i = 0; i < plan.openPairs; i++) grow([], now, true);
}

function growGroups(soil: Soil, people: readonly Person[], of: Place) {
  const { insert, chance } = soil;
  for (let g = 0; g < 20; g++) {
    const groupId = chance.id();
    const prompt = chance.pick(prompts);
    insert(groups, {
      id: groupId,
      roundId: of.roundId,
      prompt,
      size: groupSize,
      createdAt: of.createdAt,
    });
    const members = Array.from({ length: groupSize }, () =>
      growSample(soil, { ...of, prompt, groupId, purpose: 'training' }),
    );
    for (const judge of drawJudges(soil, people, 2)) {
      insert(taggings, {
        id: chance.id(),
        groupId,
        annotatorId: judge.id,
        taggedSampleIds: members.filter(() => chance.next() < 0.3),
        createdAt: of.createdAt + 5000,
      });
    }
  }
}

function growOutcome(
  soil: Soil,
  run: Run,
  {
    roundId,
    startPolicyId,
    resultPolicyId,
    createdAt,
  }: { roundId: string; startPolicyId: string; resultPolicyId: string; createdAt: number },
) {
  const { insert, chance } = soil;
  const drawn = Array.from({ length: evaluationImages }, (_, i) =>
    growSample(soil, {
      policyId: resultPolicyId,
      roundId,
      prompt: evaluationPrompts[i % evaluationPrompts.length]!,
      purpose: 'evaluation',
      createdAt,
      seed: 100_000 + i,
    }),
  );
  const rate = () => ({ count: chance.below(evaluationImages), n: evaluationImages });
  const rewards = Object.fromEntries(drawn.slice(0, 24).map((id) => [id, chance.next()]));
  for (const policyId of [startPolicyId, resultPolicyId]) {
    const after = policyId === resultPolicyId;
    const summary: EvaluationSummary = {
      images: evaluationImages,
      judge: 'hands-judge 3f2a',
      ...handsRates(rate(), rate()),
      alignment: chance.next(),
      winRate: after ? { wins: 30, ties: 5, n: evaluationImages } : null,
      diversity: chance.next(),
      ...(run.method === 'draft' && { rewards }),
    };
    insert(evaluations, {
      id: chance.id(),
      roundId,
      policyId,
      comparedToPolicyId: after ? startPolicyId : null,
      summary,
      createdAt,
    });
  }
  for (let step = 0; step < trainStepsPerRound; step++) {
    for (const timestep of [null, 901, 601, 301]) {
      const metrics = {
        loss: 0.69 - 0.01 * step,
        implicitAccuracy: 0.5 + 0.02 * step,
        kl: 0.01 * step,
        gradNorm: 0.4,
      };
      insert(trainSteps, { roundId, step, timestep, metrics, createdAt });
    }
  }
}
