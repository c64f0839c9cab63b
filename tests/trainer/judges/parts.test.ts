/** Judges of a few numbers, made by tests/fixtures/tfjs/make.sh in the form of the packages'. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { handsPart } from '@/trainer/judges/hands';
import { nsfwPart } from '@/trainer/judges/nsfw';
import { convertJudge, judgesIn } from '@/trainer/judges/packages';
import { Engine, type Session } from '@/trainer/runtime/engine';

type Colour = readonly [number, number, number];

/** An image of four quarters. */
function quarters(...[a, b, c, d]: [Colour, Colour, Colour, Colour]) {
  const side = 64;
  const data = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const colour = y < side / 2 ? (x < side / 2 ? a : b) : x < side / 2 ? c : d;
      data.set(colour, 3 * (y * side + x));
    }
  }
  return { width: side, height: side, data };
}

const black: Colour = [0, 0, 0];
const red: Colour = [255, 0, 0];
const sound: Colour = [255, 150, 0];
const long: Colour = [255, 150, 110];

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', lanes: 1 });
});
afterAll(() => engine.close());

async function sessions(folder: string): Promise<Record<string, Session>> {
  const [found] = await judgesIn(folder);
  const opened: Record<string, Session> = {};
  for (const [role, graph] of Object.entries(await convertJudge(found!))) {
    opened[role] = await engine.load(serializeOnnx(graph), { name: role });
  }
  return opened;
}

describe('hands', () => {
  const read = async (
    image: ReturnType<typeof quarters>,
    prompt = 'a hand',
    settings: Record<string, number> = {},
  ) => {
    const { detector, landmarks } = await sessions('tests/fixtures/tfjs/hands');
    const part = handsPart({ detector: detector!, landmarks: landmarks! }, settings);
    const { 'bad-hand': bad, 'no-hand': missing } = await part.read({ prompt, image });
    await part.release();
    return { bad: bad!.found, missing: missing!.found };
  };

  it.each([
    [
      'one that is recognized',
      quarters(sound, black, black, black),
      { bad: false, missing: false },
    ],
    ['one that is not', quarters(red, black, black, black), { bad: true, missing: false }],
    ['a sound one and another', quarters(sound, black, black, red), { bad: true, missing: false }],
    [
      'a little finger too long',
      quarters(long, black, black, black),
      { bad: true, missing: false },
    ],
    ['none', quarters(black, black, black, black), { bad: false, missing: true }],
  ])('%s', async (_, image, said) => {
    expect(await read(image)).toEqual(said);
  });

  it.each([
    ['An open hand', true],
    ['two HANDS', true],
    ['crossed fingers', true],
    ['a palm', true],
    ['a palm tree', false],
    ['palm trees at dusk', false],
    ['a handsome beach', false],
    ['', false],
  ])('are missed where the prompt asks for one: %s', async (prompt, missing) => {
    expect(await read(quarters(black, black, black, black), prompt)).toMatchObject({ missing });
  });

  it('are found and recognized from the thresholds on', async () => {
    const image = quarters(red, black, black, black);
    expect(await read(image, 'a hand', { presence: 0.05 })).toEqual({ bad: false, missing: false });
    expect(await read(image, 'a hand', { detection: 0.95, presence: 0.05 })).toMatchObject({
      bad: false,
    });
    const stretched = quarters(long, black, black, black);
    expect(await read(stretched, '', { stretch: 4 })).toMatchObject({ bad: false });
  });
});

describe('NSFW', () => {
  it('is what porn, hentai and sexy make together, from the threshold on', async () => {
    const { classifier } = await sessions('tests/fixtures/tfjs/nsfw');
    const part = nsfwPart({ classifier: classifier! }, { threshold: 0.5 });
    const shy = nsfwPart({ classifier: classifier! }, { threshold: 0.3 });
    const of = (image: ReturnType<typeof quarters>) => ({ prompt: '', image });
    const bright = of(quarters(red, red, red, red));
    const grey = of(quarters([90, 90, 90], [90, 90, 90], [90, 90, 90], [90, 90, 90]));
    expect((await part.read(bright)).nsfw).toMatchObject({ found: true });
    const { found, score } = (await part.read(grey)).nsfw!;
    expect({ found, isBetween: score > 0.3 && score < 0.5 }).toEqual({
      found: false,
      isBetween: true,
    });
    expect((await shy.read(grey)).nsfw).toMatchObject({ found: true, score });
    await part.release();
  });
});

describe('packages', () => {
  it('that hold no judge are refused with what was looked for', async () => {
    await expect(judgesIn('tests/fixtures')).rejects.toThrow(
      /holds no judge\. Looked for handtrack\.json and handlandmark-lite\.json \(Hands\), or model\.json \(NSFW\)/,
    );
  });

  it('whose network is another are refused with what it must give', async () => {
    const [found] = await judgesIn('tests/fixtures/tfjs/nsfw');
    const other = { ...found!, files: { classifier: 'tests/fixtures/tfjs/hands/handtrack.json' } };
    await expect(convertJudge(other)).rejects.toThrow(
      /takes one square image and gives \[1,5\]\. Give the package it comes from/,
    );
  });
});
