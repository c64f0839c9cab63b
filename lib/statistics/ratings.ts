/**
 * @file How versions rate against each other by people's comparisons: Bradley and Terry's model
 * with ties (Davidson 1970, "On extending the Bradley–Terry model to accommodate ties", eq. 2.2)
 * and a covariate for the side on which an image stood.
 */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import type { Interval } from './proportion';

/** What was said of two versions beside each other. */
export interface Comparison {
  left: string;
  right: string;
  answer: 'left' | 'right' | 'tie';
  /** Answers of one cluster hang together: those to one pair of images. */
  cluster: string;
}

export interface Rating {
  version: string;
  /** The log of the odds against the anchor (natural logarithm), with its 95 % interval. */
  rating: Interval;
  /** Share of comparisons with the anchor that it would win, ties counting half. */
  againstAnchor: Interval;
  /** The best and the worst rank that the answers leave open, 1 being the best. */
  ranks: { best: number; worst: number };
  /** Answers that it was part of. */
  answers: number;
}

export interface Ratings {
  /** Best first. Those that no chain of comparisons joins to the anchor are left out. */
  versions: Rating[];
  /** Share of picks that the left side wins between equals, ties left out. */
  leftShare: Interval;
  /**
   * What one more answer to a comparison of two of them would tell: the gain in the log of the
   * determinant of the information (D-optimality), in nats.
   */
  worth(one: string, other: string): number;
}

/** In units of the log odds, so that a version that won every time has a finite rating. */
const priorDeviation = 3;

const level = 0.05;

/**
 * Fits the model by Newton's method on its posterior under a wide normal prior and gives intervals
 * by the sandwich of the answers' clusters, or by the model's own information where that is wider:
 * of few answers that all agree the sandwich knows no spread. Ranks are simultaneous over all pairs
 * of versions (Bonferroni), so that the luckiest of many near-identical versions is not called the
 * best. @param anchor the version that rates 0. Null where nothing was compared with it.
 */
export function rate(comparisons: readonly Comparison[], anchor: string): Ratings | null {
  const versions = joinedTo(anchor, comparisons);
  if (versions.length < 2) return null;
  const used = comparisons.filter(({ left }) => versions.includes(left));
  const model = new Model(versions, used);
  model.fit();
  return model.ratings();
}

/** The anchor first, then what a chain of comparisons joins to it, in the order of its finding. */
function joinedTo(anchor: string, comparisons: readonly Comparison[]): string[] {
  const rivals = new Map<string, Set<string>>();
  for (const { left, right } of comparisons) {
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const) {
      rivals.set(one, (rivals.get(one) ?? new Set()).add(other));
    }
  }
  const joined = new Set([anchor]);
  // A set goes on over what is added to it meanwhile.
  for (const version of joined) for (const rival of rivals.get(version) ?? []) joined.add(rival);
  return [...joined];
}

/** Chances of the three answers; `lead` is how far the left is ahead, its side counted in. */
function chances(lead: number, tie: number) {
  const [left, right, tied] = [Math.exp(lead / 2), Math.exp(-lead / 2), Math.exp(tie)];
  const all = left + right + tied;
  return { left: left / all, right: right / all, tie: tied / all };
}

function counted(comparisons: readonly Comparison[]): (readonly [Comparison, number])[] {
  const said = new Map<string, readonly [Comparison, number]>();
  for (const comparison of comparisons) {
    const key = JSON.stringify([comparison.left, comparison.right, comparison.answer]);
    const [first, times] = said.get(key) ?? [comparison, 0];
    said.set(key, [first, times + 1]);
  }
  return [...said.values()];
}

class Model {
  readonly #versions: readonly string[];
  readonly #comparisons: readonly Comparison[];
  /** Comparisons that say the same, with how often each was said. */
  readonly #said: readonly (readonly [Comparison, number])[];
  readonly #place: Map<string, number>;
  /** Ratings of all but the anchor, then the side's, then the log of Davidson's ν. */
  readonly #values: Float64Array;
  #inverse = Matrix.zeros(0, 0);
  #sandwich = Matrix.zeros(0, 0);

  constructor(versions: readonly string[], comparisons: readonly Comparison[]) {
    this.#versions = versions;
    this.#comparisons = comparisons;
    this.#said = counted(comparisons);
    this.#place = new Map(versions.map((version, i) => [version, i - 1]));
    this.#values = new Float64Array(versions.length + 1);
  }

  get #side(): number {
    return this.#versions.length - 1;
  }

  get #tie(): number {
    return this.#versions.length;
  }

  #value(version: string): number {
    return this.#values[this.#place.get(version)!] ?? 0;
  }

  /** The places of a comparison's lead with their signs; the anchor has none. */
  #lead({ left, right }: Comparison): [number, number][] {
    const of: [number, number][] = [
      [this.#place.get(left)!, 1],
      [this.#place.get(right)!, -1],
      [this.#side, 1],
    ];
    return of.filter(([place]) => place >= 0);
  }

  #chances(comparison: Comparison) {
    const lead = this.#lead(comparison).reduce(
      (sum, [place, sign]) => sum + sign * this.#values[place]!,
      0,
    );
    return chances(lead, this.#values[this.#tie]!);
  }

  /** The log of the posterior, but for a constant. */
  #height(): number {
    let height = 0;
    for (const [comparison, times] of this.#said) {
      height += times * Math.log(this.#chances(comparison)[comparison.answer]);
    }
    for (const value of this.#values) height -= value ** 2 / (2 * priorDeviation ** 2);
    return height;
  }

  /** Slope of one answer's log-likelihood along its lead and along the log of ν. */
  #slopes(comparison: Comparison): { lead: number; tie: number } {
    const { left, right, tie } = this.#chances(comparison);
    const won = { left: 0.5, right: -0.5, tie: 0 }[comparison.answer];
    return {
      lead: won - (left - right) / 2,
      tie: (comparison.answer === 'tie' ? 1 : 0) - tie,
    };
  }

  /** Newton's steps until one is too small to matter, or leads no further up. */
  fit(): void {
    let factors: CholeskyDecomposition;
    let step: number[];
    do {
      const { slope, information } = this.#curvature();
      factors = new CholeskyDecomposition(information);
      step = factors.solve(slope).to1DArray();
    } while (step.some((part) => Math.abs(part) > 1e-9) && this.#climb(step));
    this.#inverse = factors.solve(Matrix.eye(step.length));
    this.#sandwich = this.#spread();
  }

  /** Slope and curvature, downwards, of the log of the posterior. */
  #curvature(): { slope: Matrix; information: Matrix } {
    const size = this.#values.length;
    const slope = Matrix.columnVector(this.#values).mul(-1 / priorDeviation ** 2);
    const information = Matrix.eye(size, size, 1 / priorDeviation ** 2);
    const add = (row: number, column: number, value: number) =>
      information.set(row, column, information.get(row, column) + value);
    for (const [comparison, times] of this.#said) {
      const { left, right, tie } = this.#chances(comparison);
      const slopes = this.#slopes(comparison);
      const lead = this.#lead(comparison);
      const leads = (times * (left + right - (left - right) ** 2)) / 4;
      const both = (-times * tie * (left - right)) / 2;
      for (const [one, sign] of lead) {
        slope.set(one, 0, slope.get(one, 0) + times * sign * slopes.lead);
        for (const [other, its] of lead) add(one, other, sign * its * leads);
        add(one, this.#tie, sign * both);
        add(this.#tie, one, sign * both);
      }
      slope.set(this.#tie, 0, slope.get(this.#tie, 0) + times * slopes.tie);
      add(this.#tie, this.#tie, times * tie * (1 - tie));
    }
    return { slope, information };
  }

  /** The whole step, or the first half of it (of that, …) that leads up; whether one does. */
  #climb(step: readonly number[]): boolean {
    const from = Float64Array.from(this.#values);
    const height = this.#height();
    for (let part = 1; part > 1e-6; part /= 2) {
      for (const [i, value] of from.entries()) this.#values[i] = value + part * step[i]!;
      if (this.#height() > height) return true;
    }
    this.#values.set(from);
    return false;
  }

  /** H⁻¹ (Σ g gᵀ) H⁻¹ with the slopes g of each cluster's answers together. */
  #spread(): Matrix {
    const slopes = new Map<string, Map<number, number>>();
    for (const comparison of this.#comparisons) {
      const of = slopes.get(comparison.cluster) ?? new Map<number, number>();
      const { lead, tie } = this.#slopes(comparison);
      const add = (place: number, slope: number) => of.set(place, (of.get(place) ?? 0) + slope);
      for (const [place, sign] of this.#lead(comparison)) add(place, sign * lead);
      add(this.#tie, tie);
      slopes.set(comparison.cluster, of);
    }
    const size = this.#values.length;
    const products = Matrix.zeros(size, size);
    for (const of of slopes.values()) {
      for (const [one, slope] of of) {
        for (const [other, its] of of) {
          products.set(one, other, products.get(one, other) + slope * its);
        }
      }
    }
    return this.#inverse.mmul(products).mmul(this.#inverse);
  }

  /** Standard deviation of the difference of two parameters; the anchor's place is −1. */
  #deviation(one: number, other: number): number {
    const variance = (of: Matrix) => {
      const at = (i: number, j: number) => (i < 0 || j < 0 ? 0 : of.get(i, j));
      return at(one, one) + at(other, other) - 2 * at(one, other);
    };
    return Math.sqrt(Math.max(variance(this.#inverse), variance(this.#sandwich)));
  }

  ratings(): Ratings {
    const versions = this.#versions;
    const z = normalQuantile(1 - level / 2);
    const pairs = (versions.length * (versions.length - 1)) / 2;
    const zOfAll = normalQuantile(1 - level / 2 / pairs);
    const tie = this.#values[this.#tie]!;
    const share = (lead: number) => {
      const of = chances(lead, tie);
      return of.left + of.tie / 2;
    };
    const isBehind = (version: string, rival: string) =>
      this.#value(rival) - this.#value(version) >
      zOfAll * this.#deviation(this.#place.get(rival)!, this.#place.get(version)!);
    const rated = versions.map((version): Rating => {
      const rating = this.#value(version);
      const half = z * this.#deviation(this.#place.get(version)!, -1);
      const interval = { rate: rating, low: rating - half, high: rating + half };
      return {
        version,
        rating: interval,
        againstAnchor: {
          rate: share(interval.rate),
          low: share(interval.low),
          high: share(interval.high),
        },
        ranks: {
          best: 1 + versions.filter((rival) => isBehind(version, rival)).length,
          worst: versions.length - versions.filter((rival) => isBehind(rival, version)).length,
        },
        answers: this.#comparisons.filter(
          ({ left, right }) => left === version || right === version,
        ).length,
      };
    });
    const side = this.#values[this.#side]!;
    const halfSide = z * this.#deviation(this.#side, -1);
    const logistic = (lead: number) => 1 / (1 + Math.exp(-lead));
    return {
      versions: rated.sort((one, other) => other.rating.rate - one.rating.rate),
      leftShare: {
        rate: logistic(side),
        low: logistic(side - halfSide),
        high: logistic(side + halfSide),
      },
      worth: (one, other) => {
        const { left, right } = chances(this.#value(one) - this.#value(other), tie);
        const told = (left + right - (left - right) ** 2) / 4;
        const unknown = this.#deviation(this.#placeOf(one), this.#placeOf(other)) ** 2;
        return Math.log1p(told * unknown);
      },
    };
  }

  /** Throws for a version that is not rated. */
  #placeOf(version: string): number {
    const place = this.#place.get(version);
    if (place === undefined) throw new RangeError(`${version} is not rated.`);
    return place;
  }
}

/** Where the normal distribution has so much below it; `p` in (0, 1). */
function normalQuantile(p: number): number {
  let [low, high] = [-10, 10];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17: within 7.5e-8. */
function normalBelow(x: number): number {
  if (x < 0) return 1 - normalBelow(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = factors.reduceRight((inner, factor) => t * (factor + inner), 0);
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
