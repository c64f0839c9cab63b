/** Lists read by the page hold what reading everything holds, page after page. */
import { eq, isNotNull } from 'drizzle-orm';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { db } from '@/db/client';
import { defectRates, firstAndNewestRates, imagesOfPolicy } from '@/db/figures/review';
import { countPeople, peoplePage } from '@/db/people/list';
import { ancestorsOf, isOfPipeline, listPipelines, policiesPage } from '@/db/policies/list';
import { baseOf, listPolicies } from '@/db/policies/policies';
import { roundsPage } from '@/db/rounds/list';
import { measurementsOf } from '@/db/rounds/measurements';
import { evaluationsOf } from '@/db/rounds/metrics';
import { listRounds, roundBefore } from '@/db/rounds/rounds';
import { firstTrainingPairs } from '@/db/rounds/trained-on';
import { flags, preferences, samples, taggings } from '@/db/schema/labels';
import { isFinished } from '@/lib/rounds';
import { type Grown, growHome } from '../support/growth/grow';
import { listPeople } from '../support/people';
import { withTemporaryHome } from './support';

withTemporaryHome();

let grown: Grown;
beforeAll(async () => {
  grown = await growHome({ answers: 1500, people: 60, rounds: 41 });
});

/** Every page, each asked for by the end of the one before. */
async function walk<Page>(
  read: (from: string | undefined) => Promise<Page>,
  nextOf: (page: Page) => string | null,
): Promise<Page[]> {
  const pages: Page[] = [];
  for (let from: string | undefined; ; ) {
    const page = await read(from);
    pages.push(page);
    const next = nextOf(page);
    if (next === null) return pages;
    from = next;
  }
}

const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

describe('lists', () => {
  it('of rounds go through all that are over, newest first', async () => {
    const all = await listRounds();
    const pages = await walk(
      (after) => roundsPage({ after, limit: 7 }),
      ({ next }) => next,
    );
    expect(idsOf(pages.flatMap(({ over }) => over))).toEqual(
      idsOf(all.filter(({ state }) => isFinished(state))),
    );
    expect(idsOf(pages[0]!.underWay)).toEqual([grown.labelingRoundId]);
    expect(pages[0]!.overTotal).toBe(all.length - 1);
    await expect(roundsPage({ after: 'nobody', limit: 7 })).rejects.toThrow('nobody');
    const [later] = all.filter(({ ordinal }) => ordinal > 1);
    expect((await roundBefore(later!))?.ordinal).toBe(later!.ordinal - 1);
  });

  it('of policies go back through all versions of a pipeline', async () => {
    const every = await listPolicies();
    const pipelines = [...new Set(every.map(({ pipeline }) => pipeline))];
    expect(await listPipelines()).toEqual(pipelines);
    for (const pipeline of pipelines) {
      const own = every.filter((policy) => policy.pipeline === pipeline);
      const pages = await walk(
        (before) => policiesPage({ which: isOfPipeline(pipeline), before, limit: 5 }),
        ({ earlier }) => earlier,
      );
      expect(idsOf(pages.toReversed().flatMap(({ policies }) => policies))).toEqual(idsOf(own));
      expect(pages[0]!.total).toBe(own.length);
    }
  });

  it('know where a policy comes from', async () => {
    const [{ policyIds, baseId }] = grown.lineages as [Grown['lineages'][number]];
    const newest = policyIds.at(-1)!;
    expect(idsOf(await ancestorsOf(newest))).toEqual(policyIds.slice(0, -1));
    expect(await ancestorsOf(baseId)).toEqual([]);
    const policy = (await listPolicies()).find(({ id }) => id === newest);
    expect((await baseOf(policy!)).id).toBe(baseId);
  });

  it('of people go through everybody, with what they have done, and find some by name', async () => {
    const all = await listPeople();
    const pages = await walk(
      (after) => peoplePage({ after, limit: 11 }),
      ({ next }) => next,
    );
    const found = pages.flatMap(({ people }) => people);
    const byId = new Map(all.map((person) => [person.id, person]));
    expect(new Set(idsOf(found))).toEqual(new Set(idsOf(all)));
    for (const person of found) expect(person).toEqual(byId.get(person.id));
    expect(await countPeople()).toEqual({
      people: all.filter(({ imported }) => !imported).length,
      judging: all.filter(({ imported, preferences: n }) => !imported && n > 0).length,
      imported: all.filter(({ imported }) => imported).length,
    });
    const { people } = await peoplePage({ search: ' ada 1' });
    expect(people.length).toBeGreaterThan(0);
    expect(people.every(({ name }) => name.startsWith('Ada 1'))).toBe(true);
    expect((await peoplePage({ search: '%' })).people).toEqual([]);
    await expect(peoplePage({ after: 'nobody' })).rejects.toThrow('nobody');
  });

  it('show of a policy its newest evaluation, one of the round asked about going first', async () => {
    const evaluations = await evaluationsOf();
    const wanted = (await listPolicies()).flatMap(({ id, roundId, parentId }) => [
      { policyId: id, roundId },
      { policyId: parentId, roundId },
      { policyId: id, roundId: 'elsewhere' },
    ]);
    const expected = wanted.map(
      ({ policyId, roundId }) =>
        evaluations.find((one) => one.policyId === policyId && one.roundId === roundId) ??
        evaluations.find((one) => one.policyId === policyId) ??
        null,
    );
    expect(await measurementsOf(wanted)).toEqual(expected);
  });

  it('show the first of what a round trained on', async () => {
    let shown = 0;
    for (const { id } of await listRounds()) {
      const all = await trainingPairsOf(id);
      const first = await firstTrainingPairs(id, 4);
      expect(first).toEqual(all.slice(0, 4).map(({ pairId: _, groupId: __, ...pair }) => pair));
      shown += first.length;
    }
    expect(shown).toBeGreaterThan(20);
  });
});

describe('rates', () => {
  it('are those of all images, flags and answers', async () => {
    const all = {
      samples: db().select().from(samples).all(),
      flags: db().select().from(flags).all(),
      answered: db().select().from(preferences).all(),
      taggings: db().select().from(taggings).all(),
    };
    const standing = all.answered.filter(({ supersededAt }) => supersededAt === null);
    const tagged = new Set(
      all.taggings
        .filter(({ supersededAt }) => supersededAt === null)
        .map(({ groupId }) => groupId),
    );
    const seen = new Set([
      ...standing.flatMap(({ leftSampleId, rightSampleId }) => [leftSampleId, rightSampleId]),
      ...all.samples
        .filter(({ groupId }) => groupId !== null && tagged.has(groupId))
        .map(({ id }) => id),
      ...all.flags.filter(({ source }) => source === 'annotator').map(({ sampleId }) => sampleId),
    ]);
    expect(seen.size).toBeGreaterThan(100);
    for (const purpose of ['evaluation', 'training', undefined] as const) {
      const expected = (await listPolicies('hands')).flatMap(({ id }) => {
        const own = all.samples.filter(
          (sample) =>
            sample.policyId === id &&
            sample.origin === null &&
            (purpose === undefined ? sample.purpose !== 'gold' : sample.purpose === purpose),
        );
        if (own.length === 0) return [];
        const ids = new Set(idsOf(own));
        const rate = (kind: string, source: string, n: number) => ({
          count: new Set(
            all.flags
              .filter((flag) => flag.kind === kind && flag.source === source)
              .filter(({ state, sampleId }) => state !== 'rejected' && ids.has(sampleId))
              .map(({ sampleId }) => sampleId),
          ).size,
          n,
        });
        const judged = own.filter(({ verdict }) => verdict !== null).length;
        const looked = own.filter((sample) => seen.has(sample.id)).length;
        const of = (kind: string) => ({
          judge: rate(kind, 'judge', judged),
          annotator: rate(kind, 'annotator', looked),
        });
        return [{ id, images: own.length, hand: of('hand'), nsfw: of('nsfw') }];
      });
      const pages = await walk(
        (before) => defectRates({ pipeline: 'hands', purpose, before, limit: 9 }),
        ({ earlier }) => earlier,
      );
      const flat = pages
        .toReversed()
        .flatMap(({ rates }) => rates.map(({ policy, ...rate }) => ({ id: policy.id, ...rate })));
      expect(flat).toEqual(expected);
      expect(pages[0]!.total).toBe(expected.length);
    }
  });

  it('stand for the first version and the newest', async () => {
    const of = { pipeline: 'hands', purpose: 'evaluation' } as const;
    const { rates } = await defectRates({ ...of, limit: 100 });
    expect(await firstAndNewestRates(of)).toEqual([rates[0], rates.at(-1)]);
  });

  it('lead to the images that carry the defect', async () => {
    const { policyId } = db()
      .select()
      .from(samples)
      .where(isNotNull(samples.verdict))
      .limit(1)
      .get()!;
    const found = await imagesOfPolicy({ policyId, defect: 'hand', source: 'judge', limit: 1000 });
    const marks = db().select().from(flags).where(eq(flags.kind, 'hand')).all();
    const marked = new Set(
      marks
        .filter(({ source, state }) => source === 'judge' && state !== 'rejected')
        .map(({ sampleId }) => sampleId),
    );
    const own = db().select().from(samples).where(eq(samples.policyId, policyId)).all();
    const expected = own.filter(({ id, purpose }) => purpose !== 'gold' && marked.has(id));
    expect(expected.length).toBeGreaterThan(0);
    expect(idsOf(found.map(({ sample }) => sample))).toEqual(idsOf(expected).sort());
  });
});
