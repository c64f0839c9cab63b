import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { measureAccuracy } from '@/trainer/hands/judge/accuracy';
import { Judge, judgePath } from '@/trainer/hands/judge/judge';
import { allPairsDiversity } from '@/trainer/hands/judge/perceptual';
import { QUESTION_NAMES } from '@/trainer/hands/judge/verdict';
import { renderMalformedHand } from '@/trainer/hands/world/malform';
import { renderHand } from '@/trainer/hands/world/render';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu' });
});
afterAll(() => engine.close());

describe.each(['a', 'b'] as const)('judge %s', (name) => {
  let judge: Judge;
  beforeAll(async () => {
    judge = await Judge.open(engine, name);
  });

  test('reads fingers, blood and attributes of drawn hands it has never seen', async () => {
    const { drawn, disturbed } = await measureAccuracy(judge, 600);
    for (const shares of [drawn, disturbed]) {
      expect(shares.fingers).toBeGreaterThanOrEqual(0.98);
      expect(shares.blood).toBeGreaterThanOrEqual(0.98);
      for (const question of QUESTION_NAMES) expect(shares[question]).toBeGreaterThanOrEqual(0.95);
    }
  });

  test('the accuracy that is written beside it meets the same bar on more images', () => {
    const file = judgePath(name).replace('.onnx', '.accuracy.json');
    const { images, drawn } = JSON.parse(readFileSync(file, 'utf8'));
    expect(images).toBeGreaterThanOrEqual(4000);
    expect(drawn.fingers).toBeGreaterThanOrEqual(0.98);
    expect(drawn.blood).toBeGreaterThanOrEqual(0.98);
  });

  test('calls most malformed hands deformed', async () => {
    const images = Array.from(
      { length: 200 },
      (_, seed) => renderMalformedHand(4_000_000 + seed, { deformed: 0, blood: 0.2 }).pixels,
    );
    const measured = await judge.measure(images);
    const deformed = measured.filter(({ verdict }) => verdict.deformed).length;
    expect(deformed / images.length).toBeGreaterThanOrEqual(0.9);
  });

  test('its features tell unlike hands apart more than like ones', async () => {
    const look = { skin: 'dark', sleeve: 'red', background: 'blue', pose: 'upright' } as const;
    const same = [1, 2, 3, 4].map((seed) =>
      renderHand(seed, { ...look, fingers: 5, blood: false }),
    );
    const other = [1, 2, 3, 4].map((seed) => renderHand(seed, { blood: false }));
    const features = async (renders: typeof same) =>
      (await judge.measure(renders.map(({ pixels }) => pixels))).map((one) => one.features);
    const alike = await features(same);
    const distance = (a: Float32Array, b: Float32Array) =>
      a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0);
    expect(allPairsDiversity(await features(other))).toBeGreaterThan(2 * allPairsDiversity(alike));
    const pairs = alike.flatMap((one, at) =>
      alike.slice(at + 1).map((another) => distance(one, another)),
    );
    const mean = pairs.reduce((sum, one) => sum + one, 0) / pairs.length;
    expect(allPairsDiversity(alike)).toBeCloseTo(mean, 6);
  });

  test('an image of another size is refused', async () => {
    await expect(judge.measure([new Uint8Array(3 * 32 * 32)])).rejects.toThrow(/64x64/);
  });
});
