import { expect, it } from 'vitest';
import { placesOf } from '@/lib/exchange/places';

it.each([
  [[[1, 2, 3]], [1, 2, 3]],
  [
    [
      [1, 2, 3],
      [1, 3, 2],
    ],
    [1, 2, 2],
  ],
  [
    [
      [1, 1, 2, 2],
      [1, 2, 1, 2],
    ],
    [1, 2, 2, 4],
  ],
  [[], []],
])('places of %j are %j', (readings, places) => {
  expect(placesOf(readings)).toEqual(places);
});
