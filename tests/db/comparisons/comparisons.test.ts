import { inArray } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { loadRatings } from '@/app/reads/policies/load-ratings';
import { standingAnswersOf } from '@/db/answers/standing-answers';
import { db } from '@/db/client';
import { askWhichIsBetter, stopAsking } from '@/db/comparisons/ask';
import { askedComparisons, comparisonsOf } from '@/db/comparisons/said';
import { submitPreference, undoPreference } from '@/db/labeling/preferences';
import { type LeasedPair, leasePairs } from '@/db/leases/pair-leases';
import { pausePerson, resumePerson } from '@/db/people/users';
import { createPolicy, type Policy } from '@/db/policies/policies';
import { recordEvaluation } from '@/db/rounds/metrics';
import { cancelRun } from '@/db/rounds/runs';
import { recordSamples, samplesById } from '@/db/rounds/samples';
import { samples } from '@/db/schema/labels';
import { pruneLeases } from '@/db/work/pruning';
import type { Answer } from '@/lib/answers';
import { makePeople, makeRun, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

const drawing = '20 0 5';

const opened: string[] = [];

afterEach(async () => {
  for (const pipeline of opened.splice(0)) {
    for (const { versions } of await askedComparisons(pipeline)) {
      await stopAsking(versions, null);
    }
  }
});

/** A base and versions of it, each with so many evaluation images on the same seeds. */
async function lineage(names: readonly string[], images = 6) {
  const { base, pipeline, round, run } = await makeRun();
  opened.push(pipeline);
  await cancelRun(run.id, null);
  const versions: Policy[] = [base];
  for (const name of names) {
    // Which is the newest is told by milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 2));
    versions.push(
      await createPolicy({
        name,
        parentId: base.id,
        pipeline,
        adapterBlob: name,
        hash: crypto.randomUUID(),
        manifest: {},
        roundId: round.id,
      }),
    );
  }
  for (const { id } of versions) {
    const samples = Array.from({ length: images }, (_, seed) => ({
      ...makeSample({
        policyId: id,
        roundId: round.id,
        prompt: `${seed % 2} hands`,
        seed,
        noiseSeed: seed,
        purpose: 'evaluation' as const,
      }),
      drawing,
    }));
    await recordSamples({ samples });
    await recordEvaluation({
      roundId: round.id,
      policyId: id,
      comparedToPolicyId: null,
      drawing,
      summary: { images, defects: {}, alignment: null, winRate: null, diversity: null },
    });
  }
  return { pipeline, base, round, versions: versions.slice(1) };
}

async function ask(
  one: Policy,
  other: Policy,
  { most = 10, people = 1, untilSure = false } = {},
): Promise<number> {
  return askWhichIsBetter({
    versions: [one.id, other.id],
    drawing,
    most,
    people,
    untilSure,
    askedBy: null,
  });
}

async function take(annotatorId: string, count = 10): Promise<LeasedPair[]> {
  const leased = await leasePairs({ annotatorId, count });
  return leased.state === 'pairs' ? leased.pairs : [];
}

async function answer(
  { leaseId }: LeasedPair,
  annotatorId: string,
  said: Answer,
  now = Date.now(),
) {
  const id = crypto.randomUUID();
  const { status } = await submitPreference({
    id,
    leaseId,
    annotatorId,
    answer: said,
    shownAtMs: now - 900,
    decidedAtMs: now,
    guidelinesVersion: null,
    now,
  });
  return { id, status };
}

/** Prefers one version wherever it stands. */
async function preferring(version: Policy, pair: LeasedPair): Promise<Answer> {
  const [left] = await samplesById([pair.left.sampleId]);
  return left!.policyId === version.id ? 'left' : 'right';
}

describe('asking which of two versions is better', () => {
  it('shows what both drew from one prompt and seed, though the run is over, and tells nobody which is which', async () => {
    const { pipeline, base, versions } = await lineage(['new']);
    const [ann] = await makePeople(1);
    expect(await ask(base, versions[0]!, { most: 4 })).toBe(4);
    const [open] = await askedComparisons(pipeline);
    expect(open).toMatchObject({ open: 4, asked: 4 });
    const served = await take(ann!);
    expect(served).toHaveLength(4);
    for (const pair of served) {
      const [left, right] = await samplesById([pair.left.sampleId, pair.right.sampleId]);
      expect([left!.prompt, left!.seed]).toEqual([right!.prompt, right!.seed]);
      expect(left!.policyId).not.toBe(right!.policyId);
      expect(JSON.stringify(pair)).not.toContain(base.id);
      expect(JSON.stringify(pair)).not.toContain(versions[0]!.id);
    }
    expect(new Set(served.map(({ pairId }) => pairId)).size).toBe(4);
  });

  it('keeps what somebody holds when the leases of the round are forgotten', async () => {
    const { base, round, versions } = await lineage(['new']);
    const [ann] = await makePeople(1);
    await ask(base, versions[0]!, { most: 3 });
    const [first, second] = await take(ann!, 2);
    await answer(first!, ann!, 'left');
    expect(await pruneLeases(round.id)).toBe(0);
    expect((await answer(second!, ann!, 'left')).status).toBe('accepted');
  });

  it('asks of each pair once, however often it is asked, and says when none is left', async () => {
    const { base, versions } = await lineage(['new']);
    expect(await ask(base, versions[0]!, { most: 4 })).toBe(4);
    expect(await ask(versions[0]!, base)).toBe(2);
    await expect(ask(base, versions[0]!)).rejects.toThrow(/have no images .* left/);
    await expect(ask(base, base)).rejects.toThrow('cannot be compared with itself');
    const stranger = await lineage([]);
    await expect(ask(base, stranger.base)).rejects.toThrow('different pipelines');
    await expect(
      askWhichIsBetter({
        versions: [base.id, versions[0]!.id],
        drawing: '20 1 5',
        most: 4,
        people: 1,
        askedBy: null,
      }),
    ).rejects.toThrow('drawn alike');
  });

  it('counts what stands and nobody holds back, and trains nothing on it', async () => {
    const { pipeline, base, round, versions } = await lineage(['new']);
    const [ann, bob] = await makePeople(2);
    await ask(base, versions[0]!, { most: 3, people: 2 });
    for (const pair of await take(ann!))
      await answer(pair, ann!, await preferring(versions[0]!, pair));
    const [first, second] = await take(bob!);
    await answer(first!, bob!, 'both-bad');
    const { id } = await answer(second!, bob!, 'tie');
    await undoPreference({ preferenceId: id, annotatorId: bob! });
    const said = await comparisonsOf(pipeline);
    expect(said).toHaveLength(4);
    expect(said.filter((one) => one.answer === 'tie')).toHaveLength(1);
    const won = said.filter((one) => one[one.answer as 'left'] === versions[0]!.id);
    expect(won).toHaveLength(3);
    await pausePerson(bob!, null);
    expect(await comparisonsOf(pipeline)).toHaveLength(3);
    expect(await standingAnswersOf({ rounds: [round.id], imports: [] })).toEqual([]);
  });

  it('stops: pairs in hand are withdrawn, answers stay, and what is taken back stays withdrawn', async () => {
    const { pipeline, base, versions } = await lineage(['new']);
    const [ann] = await makePeople(1);
    await ask(base, versions[0]!, { most: 4 });
    const [first, second, third] = await take(ann!);
    await answer(first!, ann!, 'left');
    const kept = await answer(second!, ann!, 'left');
    expect(await stopAsking([versions[0]!.id, base.id], null)).toBe(2);
    expect((await answer(third!, ann!, 'left')).status).toBe('withdrawn');
    expect(await take(ann!)).toEqual([]);
    expect(await askedComparisons(pipeline)).toMatchObject([
      { open: 0, asked: 2, ended: 'stopped' },
    ]);
    expect(await comparisonsOf(pipeline)).toHaveLength(2);
    // A complete pair that is taken back waits for its annotator again.
    const undone = await undoPreference({ preferenceId: kept.id, annotatorId: ann! });
    expect(undone).toMatchObject({ status: 'undone', pair: { pairId: second!.pairId } });
    // The two that were withdrawn may be asked again.
    expect(await ask(base, versions[0]!)).toBe(4);
  });
});

describe('asking until one is better beyond chance', () => {
  it('ends after eight pairs in a row, and not by people who say the same of one pair', async () => {
    const { pipeline, base, versions } = await lineage(['new'], 20);
    const [ann, bob] = await makePeople(2);
    await ask(base, versions[0]!, { most: 20, people: 2, untilSure: true });
    const answered = async (person: string) => {
      const [next] = await take(person, 1);
      return next && answer(next, person, await preferring(versions[0]!, next));
    };
    for (let pair = 0; pair < 20; pair++) {
      expect(await answered(ann!)).toMatchObject({ status: 'accepted' });
    }
    for (let pair = 0; pair < 8; pair++) {
      expect(await askedComparisons(pipeline)).toMatchObject([{ asked: 20, ended: null }]);
      expect(await answered(bob!)).toMatchObject({ status: 'accepted' });
    }
    const [asked] = await askedComparisons(pipeline);
    expect(asked).toMatchObject({ open: 0, ended: 'sure' });
    expect(await answered(bob!)).toBeUndefined();
    // Asked again, it goes on: nothing of what was said is lost.
    expect(await ask(base, versions[0]!, { most: 5, people: 2 })).toBe(5);
    expect(await askedComparisons(pipeline)).toMatchObject([{ ended: null, open: 5 }]);
  });

  it('goes on where they are alike, and where nobody asked for an end', async () => {
    const { pipeline, base, versions } = await lineage(['new'], 12);
    const [ann] = await makePeople(1);
    await ask(base, versions[0]!, { most: 12, untilSure: true });
    for (let pair = 0; pair < 12; pair++) {
      const [next] = await take(ann!, 1);
      await answer(next!, ann!, await preferring(pair % 2 ? base : versions[0]!, next!));
    }
    expect(await askedComparisons(pipeline)).toMatchObject([{ open: 0, asked: 12, ended: null }]);
    const other = await lineage(['new'], 12);
    await ask(other.base, other.versions[0]!, { most: 12 });
    for (let pair = 0; pair < 12; pair++) {
      const [next] = await take(ann!, 1);
      await answer(next!, ann!, await preferring(other.base, next!));
    }
    expect(await askedComparisons(other.pipeline)).toMatchObject([{ asked: 12, ended: null }]);
  });
});

describe('what is said no more', () => {
  const eightInARow = async (people = 1) => {
    const made = await lineage(['new'], 12);
    const [ann, bob] = await makePeople(2);
    await ask(made.base, made.versions[0]!, { most: 12, people, untilSure: true });
    const given: string[] = [];
    for (let pair = 0; pair < 8; pair++) {
      const [next] = await take(ann!, 1);
      given.push((await answer(next!, ann!, await preferring(made.versions[0]!, next!))).id);
    }
    return { ...made, ann: ann!, bob: bob!, given };
  };

  it('is asked on where what was taken back made it sure', async () => {
    const { pipeline, ann, given } = await eightInARow();
    expect(await askedComparisons(pipeline)).toMatchObject([{ open: 0, ended: 'sure' }]);
    await undoPreference({ preferenceId: given.at(-1)!, annotatorId: ann });
    expect(await askedComparisons(pipeline)).toMatchObject([{ open: 5, asked: 12, ended: null }]);
    expect(await take(ann)).toHaveLength(5);
  });

  it('is asked of others where somebody is paused, and is sure again where they resume', async () => {
    const { pipeline, ann, bob } = await eightInARow();
    await pausePerson(ann, null);
    expect(await askedComparisons(pipeline)).toMatchObject([{ open: 12, ended: null }]);
    expect((await take(bob, 1)).length).toBe(1);
    await resumePerson(ann, null);
    expect(await askedComparisons(pipeline)).toMatchObject([{ open: 0, ended: 'sure' }]);
    expect(await take(bob, 1)).toEqual([]);
  });

  it('is not asked anew of what somebody stopped', async () => {
    const { pipeline, base, versions } = await lineage(['new']);
    const [ann, bob] = await makePeople(2);
    await ask(base, versions[0]!);
    for (const pair of (await take(ann!)).slice(0, 3)) await answer(pair, ann!, 'left');
    await stopAsking([base.id, versions[0]!.id], null);
    await pausePerson(ann!, null);
    expect(await take(bob!)).toEqual([]);
    expect(await askedComparisons(pipeline)).toMatchObject([{ open: 0, ended: 'stopped' }]);
  });
});

it('what has its answers stays answered when fewer people are asked', async () => {
  const { pipeline, base, versions } = await lineage(['new'], 4);
  const [ann, bob] = await makePeople(2);
  await ask(base, versions[0]!, { most: 4, people: 2 });
  for (const pair of (await take(ann!)).slice(0, 3)) await answer(pair, ann!, 'left');
  await stopAsking([base.id, versions[0]!.id], null);
  await ask(base, versions[0]!, { people: 1 });
  expect(await askedComparisons(pipeline)).toMatchObject([{ open: 1, asked: 4 }]);
  expect(await take(bob!)).toHaveLength(1);
});

it('images of no round are compared under the newest round that measured either', async () => {
  const { pipeline, base, versions } = await lineage(['new'], 3);
  await db()
    .update(samples)
    .set({ roundId: null })
    .where(inArray(samples.policyId, [base.id, versions[0]!.id]));
  expect((await loadRatings({ pipeline })).next).toMatchObject({ one: { name: 'new' } });
  expect(await ask(base, versions[0]!)).toBe(3);
  // All is asked: nothing is suggested that could not be.
  expect((await loadRatings({ pipeline })).next).toBeNull();
});

describe('ratings', () => {
  it('say what people prefer, and what to ask next', async () => {
    const { pipeline, base, versions } = await lineage(['one', 'two', 'three'], 30);
    const [one, two, three] = versions as [Policy, Policy, Policy];
    const before = await loadRatings({ pipeline });
    expect(before).toMatchObject({ anchor: null, versions: [], answers: 0 });
    expect(before.next).toMatchObject({ one: { name: 'three' }, other: { name: base.name } });
    const [ann] = await makePeople(1);
    for (const [better, worse] of [
      [one, base],
      [two, one],
    ] as const) {
      await ask(better, worse, { most: 30 });
      for (let pairs = await take(ann!); pairs.length > 0; pairs = await take(ann!)) {
        for (const [i, pair] of pairs.entries()) {
          await answer(pair, ann!, await preferring(i % 4 === 0 ? worse : better, pair));
        }
      }
    }
    const rated = await loadRatings({ pipeline });
    expect(rated.versions.map(({ policy }) => policy.name)).toEqual(['two', 'one', base.name]);
    expect(rated.versions[0]).toMatchObject({ answers: 30, ranks: { best: 1 } });
    expect(rated.versions[0]!.points.low).toBeGreaterThan(0);
    expect(rated.anchor).toMatchObject({ name: base.name });
    expect(rated.next).toMatchObject({ one: { name: 'three' }, other: { name: 'two' } });
    expect(three.name).toBe('three');
  });
});
