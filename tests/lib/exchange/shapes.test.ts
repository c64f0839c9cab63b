import { describe, expect, it } from 'vitest';
import { answersIn } from '@/lib/exchange/shapes';

const bytes = Uint8Array.from([137, 80, 78, 71]);

describe('Pick-a-Pic’s columns', () => {
  it('stay as they are', () => {
    const row = { caption: 'a', jpg_0: 'base64', jpg_1: 'base64', label_0: 1, x: 2 };
    expect(answersIn(row)).toEqual([row]);
    const paths = { caption: 'a', image_0_path: 'a.png', jpg_1: null };
    expect(answersIn(paths)).toEqual([paths]);
  });

  it('may hold structures of bytes and path, under the names of either', () => {
    expect(
      answersIn({ jpg_0: { bytes, path: 'x.jpg' }, image_1: { bytes: null, path: 'b.png' } }),
    ).toEqual([
      {
        jpg_0: { bytes, path: 'x.jpg' },
        image_1: { bytes: null, path: 'b.png' },
        image_1_path: 'b.png',
      },
    ]);
    expect(answersIn({ jpg_0: bytes, jpg_1: { path: 'b.png' } })).toEqual([
      { jpg_0: bytes, image_1_path: 'b.png' },
    ]);
  });
});

describe('prompt, chosen and rejected', () => {
  it('is an answer for the image on the left; what else there is stays', () => {
    const row = { prompt: 'a', chosen: 'a.png', rejected: { bytes, path: null }, user_id: 3 };
    expect(answersIn(row)).toEqual([
      {
        prompt: 'a',
        caption: 'a',
        image_0_path: 'a.png',
        jpg_1: { bytes, path: null },
        label_0: 1,
        label_1: 0,
        user_id: 3,
      },
    ]);
    expect(answersIn({ chosen: 'iVBORw0KGgoAAA', rejected: '/9j/4AAQ' })).toMatchObject([
      { jpg_0: 'iVBORw0KGgoAAA', jpg_1: '/9j/4AAQ' },
    ]);
  });
});

describe('HPD’s rankings', () => {
  const image_path = ['a.png', 'b.png', 'c.png'];
  const said = (row: Record<string, unknown>) => {
    const answers = answersIn(row);
    if (typeof answers === 'string') return answers;
    return answers.map((one) =>
      [one.image_0_path, one.label_0, one.image_1_path, one.label_1, one.user_id].join(' '),
    );
  };

  it('of two images by preference', () => {
    const file_path = ['a.png', 'b.png'];
    expect(said({ prompt: 'p', file_path, human_preference: [0, 1], user_hash: 'u' })).toEqual([
      'a.png 0 b.png 1 u',
    ]);
    expect(said({ prompt: 'p', image_path: file_path, human_preference: [1, 1] })).toEqual([
      'a.png 0.5 b.png 0.5 ',
    ]);
  });

  it('of several by place, the best the lowest: every two are an answer', () => {
    expect(said({ prompt: 'p', image_path, rank: [2, 1, 2] })).toEqual([
      'a.png 0 b.png 1 ',
      'a.png 0.5 c.png 0.5 ',
      'b.png 1 c.png 0 ',
    ]);
  });

  it('of several people: what each of them said, and not the mean', () => {
    const raw_annotations = [
      { rank: [1, 2, 3], user_hash: 'u' },
      { rank: [3, 2, 1], user_hash: 'v' },
    ];
    const all = said({ prompt: 'p', image_path, rank: [2, 2, 2], raw_annotations });
    expect(all).toHaveLength(6);
    expect(all).toContain('a.png 1 c.png 0 u');
    expect(all).toContain('a.png 0 c.png 1 v');
    expect(said({ image_path, rank: [1, 2, 3], raw_annotations: [[1, 2, 3]] })).toHaveLength(3);
  });

  it.each([
    [{ rank: [1, 2] }, '[1,2] for 3 images'],
    [{ rank: 'first' }, '"first" for 3 images'],
    [{ raw_annotations: [{ rank: [1, 2, 3] }, { rank: [1, null, 3] }] }, '[1,null,3] for 3 images'],
    [{ human_preference: [1, 0] }, '[-1,0] for 3 images'],
  ])('that do not fit the images are refused: %j', (more, why) => {
    expect(said({ prompt: 'p', image_path, ...more })).toBe(
      `A ranking gives ${why}. Give each one its place.`,
    );
  });
});
