/**
 * @file How large each part of the suite is, and the settings that pilots chose: for figures, and
 * for a look at whether it runs.
 */
import type { TrainingPlan } from './training/follow';
import type { DdpoPlan } from './training/policy-gradient';

/**
 * Images drawn at once; evaluations are whole batches of five images a prompt, so that none is
 * drawn for nothing.
 */
export const evaluationUnit = 70;

export interface Sizes {
  /** Judgements behind each reward learned once for all. */
  judgements: number;
  picks: {
    /** Numbers of picks compared, ascending; multiples of a block. */
    counts: readonly number[];
    /** Picks drawn at once. */
    block: number;
    /** DRaFT+. */
    truncation: number;
    klCoefficient: number;
    plan: TrainingPlan;
  };
  diversity: {
    truncation: number;
    klCoefficients: readonly number[];
    plan: TrainingPlan;
    ddpo: DdpoPlan & Pick<TrainingPlan, 'steps' | 'evaluateAt'>;
  };
  hacking: {
    /** DRTune's K and m. */
    trainedSteps: number;
    earlyStop: number;
    klCoefficient: number;
    plan: TrainingPlan;
  };
  rewards: {
    /** How many of the rewards, from the first. */
    count: number;
    /** UNet evaluations that a run may take to train. */
    budget: number;
    images: number;
    learningRate: number;
    evaluationImages: number;
    /** K of DRaFT-K, and of the memory curves. */
    truncation: number;
    memory: readonly number[];
  };
}

const every = (interval: number, steps: number) =>
  Array.from({ length: steps / interval }, (_, i) => (i + 1) * interval);

export const full: Sizes = {
  judgements: 700,
  // Without a KL this learned reward costs diversity and the prompt within these steps; held much
  // harder, it hardly rises.
  picks: {
    counts: [50, 100, 200, 400],
    block: 50,
    truncation: 2,
    klCoefficient: 3,
    plan: {
      steps: 20,
      images: 16,
      learningRate: 1e-3,
      evaluateAt: [20],
      evaluationImages: 3 * evaluationUnit,
    },
  },
  // Long enough that DRaFT without a KL loses diversity; from a KL that is felt late to one that
  // slows the reward to half.
  diversity: {
    truncation: 2,
    klCoefficients: [1, 3, 10, 30],
    plan: {
      steps: 32,
      images: 16,
      learningRate: 1.5e-3,
      evaluateAt: every(8, 32),
      evaluationImages: evaluationUnit,
    },
    ddpo: {
      learningRate: 3e-3,
      clipRange: 1e-3,
      noisiestShare: 0.4,
      images: 16,
      updates: 4,
      steps: 9,
      evaluateAt: every(3, 9),
    },
  },
  // Flags say nothing of the prompt: freely followed they lose it soon, and a KL must be strong to
  // keep it.
  hacking: {
    trainedSteps: 2,
    earlyStop: 2,
    klCoefficient: 300,
    plan: {
      steps: 24,
      images: 16,
      learningRate: 1e-3,
      evaluateAt: every(4, 24),
      evaluationImages: evaluationUnit,
    },
  },
  // Slow enough that symmetry is still short of its ceiling when the budget ends.
  rewards: {
    count: 8,
    budget: 2400,
    images: 8,
    learningRate: 1e-3,
    evaluationImages: 28,
    truncation: 4,
    memory: [1, 2, 4, 8, 10],
  },
};

const quickPlan: TrainingPlan = {
  steps: 2,
  images: 4,
  learningRate: 1e-3,
  evaluateAt: [1, 2],
  evaluationImages: 10,
};

/** Every kind of work once or twice; what comes out says nothing. */
export const quick: Sizes = {
  judgements: 60,
  picks: {
    ...full.picks,
    counts: [30, 60],
    block: 30,
    plan: { ...quickPlan, evaluateAt: [2] },
  },
  diversity: {
    ...full.diversity,
    klCoefficients: [1],
    plan: quickPlan,
    ddpo: { ...full.diversity.ddpo, images: 4, updates: 2, steps: 1, evaluateAt: [1] },
  },
  hacking: { ...full.hacking, plan: quickPlan },
  rewards: {
    ...full.rewards,
    count: 1,
    budget: 200,
    images: 4,
    evaluationImages: 10,
    memory: [1, 2],
  },
};
