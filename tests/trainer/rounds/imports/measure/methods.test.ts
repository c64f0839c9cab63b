import { expect, it } from 'vitest';
import { methods } from '@/lib/methods';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { defaults } from '@/trainer/rounds/imports/measure/bench';
import { measureMethod } from '@/trainer/rounds/imports/measure/methods';
import { Engine } from '@/trainer/runtime/engine';
import { withTinyPipeline } from '../../support';

const tiny = withTinyPipeline();

/** One of each way to train, and those whose graphs are of another kind. */
const measured = [
  ...(['d3po', 'draft', 'dpok', 'spo', 'kto', 'diffusion-dpo', 'nft'] as const),
  ...(['fdfo', 'dgpo', 'adjoint-matching'] as const),
];

it('measures each way to train on the graphs that it trains with', async () => {
  expect(new Set(measured.map((method) => methods[method].training))).toEqual(
    new Set(Object.values(methods).map(({ training }) => training)),
  );
  const engine = await Engine.open({ device: 'cpu', lanes: 1 });
  const pipeline = await openPipeline(tiny.folder);
  const { encode, options, release } = await openConditioning(engine, pipeline);
  const bench = {
    engine,
    pipeline,
    context: await encode('any'),
    emptyContext: options.emptyContext,
    config: defaults,
    // A step that takes a day: whoever reckons with it shows it.
    stepSeconds: 86_400,
  };
  await release();
  const seconds = new Map<string, number>();
  for (const method of measured) seconds.set(method, (await measureMethod(bench, method)).seconds);
  await engine.close();
  for (const one of seconds.values()) expect(one).toBeGreaterThan(0);
  // Of twenty steps two were run; the others are drawn alike.
  expect(seconds.get('draft')! / bench.stepSeconds).toBeCloseTo(18, 2);
  for (const method of ['d3po', 'dpok', 'spo', 'kto']) {
    expect(seconds.get(method)).toBeLessThan(bench.stepSeconds);
  }
});
