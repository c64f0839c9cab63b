import { expect, it } from 'vitest';
import { showImage } from '@/app/reads/images/show';
import type { Sample } from '@/db/schema/labels';
import type { Verdict } from '@/lib/samples';
import { handsVerdict } from '@/tests/support/hands-verdict';
import { handsJudge } from '@/trainer/hands/judge/declaration';

const shown = (verdict: Verdict | null) =>
  showImage({ id: 's', imageBlob: 'b', width: 8, height: 8, verdict } as Sample, handsJudge)
    .verdict;

it('says of an image what the judge found there, with its count where it has one', () => {
  expect(shown(handsVerdict('a', { deformed: true, blood: true, fingers: 6 }))).toMatchObject({
    defects: [
      { id: 'deformed', words: '6 fingers', mark: '6', sensitive: false },
      { id: 'blood', words: 'blood', mark: '●', sensitive: true },
    ],
    sensitive: true,
  });
  expect(shown(handsVerdict('a', { deformed: true }))).toMatchObject({
    defects: [{ words: 'deformed hand', mark: '✕' }],
    sensitive: false,
  });
  // A sound hand has five fingers: that is no defect.
  expect(shown(handsVerdict('a', { deformed: false, fingers: 5 }, { alignment: 0.5 }))).toEqual({
    defects: [],
    sensitive: false,
    alignment: 0.5,
  });
  expect(shown(null)).toBeNull();
});
