/**
 * @file What is written while people wait: picks, verdicts, freezing; and what streams cost when
 * nothing happens.
 */

import { eq } from 'drizzle-orm';
import { eventStream } from '@/app/api/events/stream';
import { db } from '@/db/client';
import { latestEventId } from '@/db/events';
import { newId } from '@/db/ids';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { closeLabeling } from '@/db/rounds/advance';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { listSamples, recordSamples, setVerdicts } from '@/db/rounds/samples';
import { rounds } from '@/db/schema/rounds';
import { handsVerdict } from '@/tests/support/hands-verdict';
import type { Grown } from '../../support/growth/grow';
import { configOf } from '../../support/growth/run-config';

export interface Write {
  name: string;
  /** How often `write` can be repeated; each is measured. */
  times: number;
  write: () => Promise<unknown>;
}

const pairsHeld = 3;

/** In the order in which they have to be run: each changes what the next one finds. */
export async function writesOf({
  people,
  labelingRoundId,
  lineages,
  answers,
}: Grown): Promise<Write[]> {
  const judges = people.filter(({ imported, paused }) => !imported && !paused);
  const round = await getRound(labelingRoundId);
  const evaluated = await listSamples({
    policyId: lineages[0]!.policyIds.at(-1)!,
    purpose: 'evaluation',
    limit: 60,
  });
  const pick = pickOf(judges[3]!.id);
  const heavy = pickOf(judges[0]!.id);
  return [
    { name: 'a pick and the next pair', times: 9, write: pick },
    { name: 'the same, by who judged most', times: 9, write: heavy },
    {
      name: 'verdicts of an evaluation',
      times: 3,
      write: () =>
        setVerdicts(
          evaluated.map(({ id }, i) => ({
            sampleId: id,
            verdict: handsVerdict('again', { deformed: i % 3 === 0 }),
          })),
        ),
    },
    {
      name: 'freezing the archive',
      times: 1,
      write: () =>
        startRun({
          name: 'archive',
          mode: 'single',
          method: 'diffusion-dpo',
          pipeline: 'hands',
          config: configOf(1),
          createdBy: null,
        }),
    },
    {
      name: `${Math.round(answers / 2)} more open pairs`,
      times: 1,
      write: () => openMore(round, answers / 2),
    },
    { name: 'a pick among these', times: 9, write: pick },
    {
      name: 'freezing, by reliability',
      times: 1,
      write: async () => {
        const { config } = round;
        const doubting = {
          ...config,
          labeling: { ...config.labeling, labelSmoothing: 'reliability' as const },
        };
        db().update(rounds).set({ config: doubting }).where(eq(rounds.id, round.id)).run();
        await closeLabeling(round.id, null);
      },
    },
    { name: `${streams} event streams, ${idleMs / 1000} s idle`, times: 1, write: idleStreams },
  ];
}

/** Answers the pair that is held longest and leases another, as a page does. */
function pickOf(annotatorId: string): () => Promise<void> {
  const held: string[] = [];
  const lease = async () => {
    const leased = await leasePairs({ annotatorId, count: pairsHeld - held.length, holding: held });
    if (leased.state === 'pairs') held.push(...leased.pairs.map(({ leaseId }) => leaseId));
  };
  return async () => {
    if (held.length === 0) await lease();
    const leaseId = held.shift();
    if (!leaseId) throw new Error('There is no pair left to pick.');
    await submitPreference({
      id: newId(),
      leaseId,
      annotatorId,
      answer: 'left',
      shownAtMs: 0,
      decidedAtMs: 900,
      guidelinesVersion: 1,
    });
    await lease();
  };
}

async function openMore(
  round: { id: string; startPolicyId: string },
  count: number,
): Promise<void> {
  const sample = () => ({
    id: newId(),
    policyId: round.startPolicyId,
    roundId: round.id,
    groupId: null,
    prompt: '1 hand',
    seed: 1,
    noiseSeed: 1,
    imageBlob: newId(),
    width: 64,
    height: 64,
    trajectoryBlob: null,
    purpose: 'training' as const,
  });
  for (let first = 0; first < count; first += pairsPerBatch) {
    const drawn = Array.from(
      { length: Math.min(pairsPerBatch, count - first) },
      () => [sample(), sample()] as const,
    );
    await recordSamples({
      samples: drawn.flat(),
      pairs: drawn.map(([a, b]) => ({
        id: newId(),
        roundId: round.id,
        groupId: null,
        prompt: a.prompt,
        sampleAId: a.id,
        sampleBId: b.id,
        sharedNoise: false,
        purpose: 'training',
        target: 2,
      })),
    });
  }
}

const pairsPerBatch = 5000;
const streams = 200;
const idleMs = 5000;

/** Streams that hear nothing for a while. */
async function idleStreams(): Promise<void> {
  const ends = Array.from({ length: streams }, () => new AbortController());
  const after = await latestEventId();
  const readers = ends.map(({ signal }) => eventStream(after, 'researcher', signal).getReader());
  for (const reader of readers) void drain(reader);
  await new Promise((resume) => setTimeout(resume, idleMs));
  for (const end of ends) end.abort();
}

async function drain(reader: ReadableStreamDefaultReader): Promise<void> {
  while (!(await reader.read()).done);
}
