import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { krippendorffAlpha, rawAgreement } from '../../support/agreement';

const items = fc.array(fc.array(fc.constantFrom('a', 'b', 'tie'), { maxLength: 5 }), {
  minLength: 1,
  maxLength: 30,
});

/** Krippendorff's definition by its coincidence matrix, written out as in the book. */
function alphaByCoincidences(units: readonly (readonly string[])[]): number | null {
  const values = [...new Set(units.flat())];
  const coincidences = new Map<string, number>();
  for (const unit of units) {
    unit.forEach((first, i) => {
      unit.forEach((second, j) => {
        if (i === j) return;
        const key = `${first} ${second}`;
        coincidences.set(key, (coincidences.get(key) ?? 0) + 1 / (unit.length - 1));
      });
    });
  }
  const cell = (first: string, second: string) => coincidences.get(`${first} ${second}`) ?? 0;
  const margin = (value: string) => values.reduce((sum, other) => sum + cell(value, other), 0);
  const n = values.reduce((sum, value) => sum + margin(value), 0);
  let observed = 0;
  let expected = 0;
  for (const first of values) {
    for (const second of values) {
      if (first === second) continue;
      observed += cell(first, second);
      expected += margin(first) * margin(second);
    }
  }
  return expected === 0 ? null : 1 - ((n - 1) * observed) / expected;
}

describe('krippendorffAlpha', () => {
  it("gives the figure of Krippendorff's own example", () => {
    // Computing Krippendorff's Alpha-Reliability (2011), section C: nominal data, alpha = 0.743.
    const units = [
      ['1', '1', '1'],
      ['2', '2', '3', '2'],
      ['3', '3', '3', '3'],
      ['3', '3', '3', '3'],
      ['2', '2', '2', '2'],
      ['1', '2', '3', '4'],
      ['4', '4', '4', '4'],
      ['1', '1', '2', '1'],
      ['2', '2', '2', '2'],
      ['5', '5', '5'],
      ['1', '1'],
      ['3'],
    ];
    expect(krippendorffAlpha(units)).toBeCloseTo(0.743, 3);
  });

  it('equals the definition by coincidences', () => {
    fc.assert(
      fc.property(items, (units) => {
        const alpha = krippendorffAlpha(units);
        const byDefinition = alphaByCoincidences(units.filter((unit) => unit.length > 1));
        if (byDefinition === null) expect(alpha).toBeNull();
        else expect(alpha).toBeCloseTo(byDefinition, 9);
      }),
    );
  });

  it('is 1 when all agree on more than one answer, and null when nothing can be compared', () => {
    expect(
      krippendorffAlpha([
        ['a', 'a'],
        ['b', 'b', 'b'],
      ]),
    ).toBe(1);
    expect(
      krippendorffAlpha([
        ['a', 'a'],
        ['a', 'a'],
      ]),
    ).toBeNull();
    expect(krippendorffAlpha([['a'], ['b']])).toBeNull();
  });
});

describe('rawAgreement', () => {
  it('counts pairs of people who said the same', () => {
    expect(rawAgreement([['a', 'a', 'b'], ['tie'], []])).toEqual({ count: 1, n: 3 });
  });

  it('does not depend on who comes first', () => {
    fc.assert(
      fc.property(items, (units) => {
        const turned = units.map((unit) => [...unit].reverse()).reverse();
        expect(rawAgreement(turned)).toEqual(rawAgreement(units));
      }),
    );
  });
});
