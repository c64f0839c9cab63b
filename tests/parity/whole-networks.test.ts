/**
 * @file Whole networks as exporters write them. They are too many for this repository, so the check
 * runs where the reference numbers lie beside it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '@/trainer/runtime/engine';
import { groups } from './cases';
import { formatCase, passed, runCases } from './report';

const golden = fileURLToPath(new URL('../../../shared/golden', import.meta.url));

describe.skipIf(!existsSync(golden))('whole networks (numbers in ../shared/golden)', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 2 });
  });
  afterAll(() => engine.close());

  async function failures(group: keyof typeof groups, folder: string, only?: string[]) {
    const cases = await groups[group](engine, join(golden, folder));
    const wrong: string[] = [];
    let count = 0;
    for await (const result of runCases(cases, only && new Set(only))) {
      count++;
      if (!passed(result)) wrong.push(formatCase(result));
    }
    return { count, wrong };
  }

  it.each([
    ['tiny-sdxl', 5],
    ['tiny-sd3', 6],
    ['tiny-sd3-dynamo', 6],
    ['tiny-sana', 4],
    ['tiny-sd-fp16', 4],
  ])('give and differentiate as they should: %s', async (name, networks) => {
    const found = await failures('networks', join('families', name));
    expect(found).toEqual({ count: networks, wrong: [] });
  });

  it.each(['zoo/torchscript', 'zoo/dynamo'])('are those of PyTorch: %s', async (folder) => {
    expect(await failures('operators', folder)).toEqual({ count: 8, wrong: [] });
  });

  it('train in opset 14, too', async () => {
    const only = ['d3po_0_clip', 'ddpo_0', 'dpok_0'];
    expect(await failures('transitions', 'opset14', only)).toEqual({ count: 3, wrong: [] });
    expect(await failures('rollouts', 'opset14', ['drtune_2'])).toEqual({ count: 1, wrong: [] });
  });
});
