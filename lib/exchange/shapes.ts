/**
 * @file How answers stand in a row of a file: in Pick-a-Pic's columns, or in others, which are
 * turned into these here.
 */

type Row = Readonly<Record<string, unknown>>;
type Answers = Record<string, unknown>[];

interface Shape {
  fits: (row: Row) => boolean;
  /**
   * In Pick-a-Pic's columns; several where one row holds several answers. A sentence where it says
   * nothing that they could be.
   */
  answers: (row: Row) => Answers | string;
}

/** Names under which the same stands in other sets; the first that is there counts. */
const prompts = ['caption', 'prompt', 'text'];
const paths = ['image_path', 'file_path', 'image_paths'];

const firstOf = (row: Row, names: readonly string[]) =>
  names.map((name) => row[name]).find((value) => value !== undefined && value !== null);

/** The first letters of PNG, JPEG and WebP in base64. */
const base64 = /^(?:data:|iVBORw0KGgo|\/9j\/|UklGR)/;

/**
 * An image as a column may hold it: its path or base64 as text, its bytes, or both in a structure,
 * as `datasets` keeps images.
 */
function imageColumns(side: 0 | 1, value: unknown): Record<string, unknown> {
  const [jpg, path] = [`jpg_${side}`, `image_${side}_path`];
  if (typeof value === 'string') return { [base64.test(value) ? jpg : path]: value };
  const isStructure = typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
  const fields = isStructure ? (value as Row) : {};
  const isPath = (fields.bytes ?? null) === null && typeof fields.path === 'string';
  return isPath ? { [path]: fields.path } : { [jpg]: value };
}

/**
 * HPDv2 (huggingface.co/datasets/ymhao/HPDv2): `human_preference` marks the better image of two
 * with 1; `rank` gives each image its place, the best the lowest, and `raw_annotations` the same
 * for each person. A ranking of n images is n (n - 1) / 2 answers.
 */
const ranking: Shape = {
  fits: (row) =>
    Array.isArray(firstOf(row, paths)) &&
    ['human_preference', 'rank', 'raw_annotations'].some((column) => column in row),
  answers: (row) => {
    const images = firstOf(row, paths) as unknown[];
    const all = readingsIn(row).map(({ places, person }): Answers | string => {
      const isWhole = Array.isArray(places) && places.every((one) => Number.isFinite(one));
      if (!isWhole || places.length !== images.length) {
        return `A ranking gives ${JSON.stringify(places)} for ${images.length} images. Give each one its place.`;
      }
      return pairsUpTo(images.length).map(([left, right]) => ({
        caption: firstOf(row, prompts),
        ...imageColumns(0, images[left]),
        ...imageColumns(1, images[right]),
        ...labels(Math.sign(places[right] - places[left])),
        user_id: person,
      }));
    });
    return all.find((one) => typeof one === 'string') ?? (all as Answers[]).flat();
  },
};

/** What each person said, the best place being the lowest; without people one reading of nobody. */
function readingsIn(row: Row): { places: unknown; person?: unknown }[] {
  const { human_preference: preference, raw_annotations: raw, rank } = row;
  if (Array.isArray(preference)) {
    return [{ places: preference.map((one) => -one), person: row.user_hash }];
  }
  if (!Array.isArray(raw) || raw.length === 0) return [{ places: rank }];
  return raw.map((one: unknown) => {
    if (Array.isArray(one) || typeof one !== 'object' || one === null) return { places: one };
    const reading = one as Row;
    return { places: reading.rank, person: reading.user_hash };
  });
}

function pairsUpTo(count: number): [number, number][] {
  return Array.from({ length: count }, (_, left) =>
    Array.from({ length: count - left - 1 }, (__, i): [number, number] => [left, left + 1 + i]),
  ).flat();
}

/** @param better 1: image 0; -1: image 1; 0: neither */
function labels(better: number) {
  return { label_0: (1 + better) / 2, label_1: (1 - better) / 2 };
}

/** Prompt, chosen and rejected image, as trainers of DPO take them. */
const triple: Shape = {
  fits: (row) => 'chosen' in row && 'rejected' in row,
  answers: ({ chosen, rejected, ...row }) => [
    {
      ...row,
      caption: firstOf(row, prompts),
      ...imageColumns(0, chosen),
      ...imageColumns(1, rejected),
      ...labels(1),
    },
  ],
};

/** Images in structures are those of a copy that `datasets` has made of it. */
const pickAPic: Shape = {
  fits: () => true,
  answers: (row) => {
    const columns = { ...row };
    for (const side of [0, 1] as const) {
      const held = row[`jpg_${side}`] ?? row[`image_${side}`];
      if (typeof held !== 'object' || held === null) continue;
      delete columns[`jpg_${side}`];
      Object.assign(columns, imageColumns(side, held));
    }
    return [columns];
  },
};

const shapes: readonly Shape[] = [ranking, triple, pickAPic];

/**
 * The answers that a row of a file holds, in Pick-a-Pic's columns; a sentence on what is wrong with
 * it where it holds none.
 */
export function answersIn(row: Row): Answers | string {
  return shapes.find(({ fits }) => fits(row))!.answers(row);
}
