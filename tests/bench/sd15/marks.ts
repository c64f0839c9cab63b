/** @file What a measuring process is told, and what it says when. */

/** What is measured: drawing's forward pass, or a step's forward and backward pass. */
export type PassName = 'forward' | 'step';

export interface PassOptions {
  pass: PassName;
  /** Folder of the UNet. */
  unet: string;
  /** Side of the square latents. */
  latents: number;
  /** Bytes that a step may take at its peak. */
  budgetBytes?: number;
  /** Runs after the first. */
  runs: number;
  /** Whether ONNX Runtime computes the same without rewriting anything, for comparison. */
  plain: boolean;
}

/** Arithmetic and number of nodes by operator. */
export type Work = Record<string, { nodes: number; gflop: number }>;

/** What counting the graph says of its memory, in MiB. */
export interface Predicted {
  privateMib: number;
  togetherMib: number;
}

export type PassMark =
  | { mark: 'first' }
  | { mark: 'steady'; ms: number[] }
  | { mark: 'numbers'; numbers: number[]; plain?: number[] }
  | { mark: 'matrix'; gflops: number; work: Work; predicted: Predicted };
