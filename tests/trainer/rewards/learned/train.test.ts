import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '@/trainer/random';
import { type Head, parseHead, serializeHead } from '@/trainer/rewards/learned/head';
import { type RewardData, type Statement, trainReward } from '@/trainer/rewards/learned/train';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const width = 12;

/** Images whose first feature people like, with the noise of people; pairs of neighbours. */
function world(pairs: number, seed: number) {
  const random = createRandom(seed);
  const features = Array.from({ length: 2 * pairs }, () =>
    Float32Array.from({ length: width }, (_, i) => (i + 1) * random.gaussian() + i),
  );
  const statements = Array.from({ length: pairs }, (_, i): Statement => {
    const [first, second] = [2 * i, 2 * i + 1];
    const liked = (image: number) => 1.5 * (features[image]! as Float32Array)[0]!;
    const label = Number(random.chance(1 / (1 + Math.exp(liked(second) - liked(first)))));
    return { first, second, label, weight: 1, group: `pair ${i}` };
  });
  return { features, statements };
}

const dataOf = (statements: readonly Statement[], more: Partial<RewardData> = {}): RewardData => ({
  source: 'picks',
  statements,
  annotators: 2,
  until: 0,
  ceiling: { count: 8, n: 10 },
  ...more,
});

describe('trainReward', () => {
  it('tells held-out answers apart, with probabilities that come true', async () => {
    const { features, statements } = world(600, 1);
    const { head, report } = await trainReward(engine, features, dataOf(statements));
    const accuracy = report.heldOut.count / report.heldOut.n;
    expect(report.heldOut.n).toBe(600);
    expect(accuracy).toBeGreaterThan(0.68);
    for (const { predicted, observed } of report.calibration) {
      expect(Math.abs(predicted - observed.count / observed.n)).toBeLessThan(0.2);
    }
    expect(Math.abs(head.weights[0]!)).toBeGreaterThan(3 * Math.abs(head.weights[5]!));
    expect(report.warnings).toEqual([]);
  });

  it('promises little where answers are random', async () => {
    const random = createRandom(9);
    const { features, statements } = world(200, 2);
    const tossed = statements.map((one) => ({ ...one, label: Number(random.chance(0.5)) }));
    const { report } = await trainReward(engine, features, dataOf(tossed));
    expect(report.heldOut.count / report.heldOut.n).toBeLessThan(0.62);
    expect(report.warnings.join(' ')).toContain('tossing a coin');
    expect(Math.max(...report.calibration.map(({ predicted }) => predicted))).toBeLessThan(0.7);
  });

  it('gives the same bytes again, and reads them back', async () => {
    const { features, statements } = world(60, 3);
    const bytes = async () => {
      const { head } = await trainReward(engine, features, dataOf(statements));
      return serializeHead({ ...head, pipelineHash: 'abc' });
    };
    const one = await bytes();
    expect(await bytes()).toEqual(one);
    const head = parseHead(one, 'test');
    expect(head).toMatchObject({ source: 'picks', pipelineHash: 'abc' });
    expect(head.weights).toHaveLength(width);
    expect(head.spread!.map((row) => row.length)).toEqual(Array(5).fill(width));
    expect(() => parseHead(one.slice(0, 200), 'half a file')).toThrow('half a file');
  });

  it('knows how unsure a score is: less with more answers, as the truth would have it', async () => {
    const spreadAt = ({ spread }: { spread?: readonly Float32Array[] }, image: Float32Array) =>
      Math.sqrt(
        spread!.reduce((sum, row) => sum + row.reduce((s, v, i) => s + v * image[i]!, 0) ** 2, 0),
      );
    const mean = (values: readonly number[]) => values.reduce((s, v) => s + v, 0) / values.length;
    const scoreAt = ({ weights }: { weights: Float32Array }, image: Float32Array) =>
      weights.reduce((sum, w, i) => sum + w * image[i]!, 0);
    const probes = Array.from({ length: 8 }, (_, i) => {
      const random = createRandom(100 + i);
      return Float32Array.from({ length: width }, () => random.gaussian());
    });
    const found = async (pairs: number) => {
      const heads: Pick<Head, 'weights' | 'spread'>[] = [];
      for (let seed = 0; seed < 10; seed++) {
        const { features, statements } = world(pairs, 20 + seed);
        heads.push((await trainReward(engine, features, dataOf(statements))).head);
      }
      const said = mean(heads.flatMap((head) => probes.map((probe) => spreadAt(head, probe))));
      // How far scores of one image really lie apart, over worlds drawn anew.
      const real = mean(
        probes.map((probe) => {
          const scores = heads.map((head) => scoreAt(head, probe));
          return Math.sqrt(mean(scores.map((s) => (s - mean(scores)) ** 2)));
        }),
      );
      return { said, real };
    };
    const [few, many] = [await found(60), await found(600)];
    expect(many.said).toBeLessThan(0.7 * few.said);
    expect(many.said / many.real).toBeGreaterThan(0.5);
    expect(many.said / many.real).toBeLessThan(2);
  });

  it('learns from images judged by themselves, with an intercept', async () => {
    const { features } = world(400, 4);
    const flags = features.map(
      (row, first): Statement => ({
        first,
        second: null,
        label: Number(row[0]! > -0.8),
        weight: 1,
        group: String(first),
      }),
    );
    const { head, report } = await trainReward(
      engine,
      features,
      dataOf(flags, { source: 'flags' }),
    );
    expect(report.heldOut.count / report.heldOut.n).toBeGreaterThan(0.8);
    expect(head.intercept).toBeGreaterThan(0.3);
  });

  it('warns of few answers, of one person, and of a ceiling nobody knows', async () => {
    const { features, statements } = world(40, 5);
    const data = dataOf(statements, { annotators: 1, ceiling: { count: 0, n: 0 } });
    const { report } = await trainReward(engine, features, data);
    expect(report.warnings.join(' ')).toMatch(/40 decided.+One person.+annotatorsPerPair/);
  });

  it('refuses what nothing can be learned from', async () => {
    const { features, statements } = world(10, 6);
    await expect(trainReward(engine, features, dataOf(statements))).rejects.toThrow(
      'There are 10 answers',
    );
  });
});
