import { describe, expect, it } from 'vitest';
import { impossibleIn, type Point } from '@/trainer/judges/anatomy';

const limits = { stretch: 1.5, bend: 140 };
const mm = [49.5, 63.9, 70.7, 65.5, 53.3];

/** A flat hand whose fingers are that many times as long as usual. */
function hand(times: readonly number[] = [1, 1, 1, 1, 1]): Point[] {
  const fingers = mm.flatMap((length, finger) =>
    [0, 1, 2, 3].map((i): Point => {
      // Of the thumb's four landmarks the first is its root in the palm.
      const bones = finger === 0 ? 2 : 3;
      const reach = ((finger === 0 ? i - 1 : i) * length * times[finger]!) / bones;
      return [20 * finger, reach, 0];
    }),
  );
  return [[40, -90, 0], ...fingers];
}

/** A hand with a finger's last bone turned by so many degrees. */
function bent(degrees: number): Point[] {
  const points = hand();
  const [x, y] = points[7]!;
  const bone = 63.9 / 3;
  const turn = (degrees * Math.PI) / 180;
  points[8] = [x, y + bone * Math.cos(turn), bone * Math.sin(turn)];
  return points;
}

describe('what no hand has', () => {
  it.each([
    ['a hand of usual fingers', hand(), null],
    ['fingers as they vary', hand([1.2, 0.85, 1, 1.15, 0.85]), null],
    ['a thumb as long as two', hand([2, 1, 1, 1, 1]), 'the thumb is too long'],
    ['a stub', hand([1, 1, 1, 1, 0.5]), 'the little finger is too short'],
    ['a finger closed to a fist', bent(110), null],
    ['a finger folded back', bent(165), 'the index finger bends too far'],
    ['a hand in one point', hand([0, 0, 0, 0, 0]), 'the thumb is too short'],
  ])('%s', (_, points, said) => {
    expect(impossibleIn(points, limits)).toBe(said);
  });

  it('is the same in any unit', () => {
    const inMetres = hand([1, 1, 1, 2, 1]).map(
      (point) => point.map((value) => value / 1000) as unknown as Point,
    );
    expect(impossibleIn(inMetres, limits)).toBe('the ring finger is too long');
  });
});
