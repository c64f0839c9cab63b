import { expect, test } from 'vitest';
import { renderMalformedHand } from '@/trainer/hands/world/malform';
import { renderHand } from '@/trainer/hands/world/render';

const RATES = { deformed: 0.3, blood: 0.3 };

test('a malformed hand is its whole hand but for one place', () => {
  for (let seed = 0; seed < 20; seed++) {
    const malformed = renderMalformedHand(seed, RATES);
    const whole = renderHand(seed, {}, RATES);
    expect(malformed.truth).toEqual(whole.truth);
    let changed = 0;
    for (let at = 0; at < whole.pixels.length; at += 3) {
      const difference = Math.abs(whole.pixels[at]! - malformed.pixels[at]!);
      if (difference > 12) changed++;
    }
    expect(changed).toBeGreaterThan(15);
    expect(changed).toBeLessThan(64 * 64 * 0.2);
  }
});
