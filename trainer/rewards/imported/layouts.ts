/**
 * @file The reward models that exist in the field, as rows: what each compares, on which scale,
 * after which preprocessing. PickScore (Kirstain et al., arXiv 2305.01569;
 * yuvalkirstain/PickScore), HPSv2 (Wu et al., arXiv 2306.09341; tgxs002/HPSv2), ImageReward (Xu et
 * al., arXiv 2304.05977; THUDM/ImageReward), LAION's aesthetic predictor
 * (christophschuhmann/improved-aesthetic-predictor), CLIPScore (Hessel et al., arXiv 2104.08718,
 * here the plain cosine).
 */
import type { Preprocessing } from '../preprocess';
import { cleanAsOpenClip } from './clean';

export interface Layout {
  /**
   * How the prompt enters. `tower`: as the embedding that a graph of its own gives; `tokens`: as
   * token ids into the one graph; `none`: not at all; `free`: in any of these ways.
   */
  prompt: 'tower' | 'tokens' | 'none' | 'free';
  /** Whether a second graph turns the unit-length image embedding into the score. */
  head: boolean;
  /**
   * Cosine of both embeddings, that cosine times e^logitScale, or (r − mean) / std of what the
   * graph gives.
   */
  score: 'cosine' | 'logit' | 'affine';
  /** The versions that this layout is; others have another layout, or none. */
  versions: RegExp;
  versionHint: string;
  preprocessing: Preprocessing;
  /** Of an affine score. */
  affine?: { mean: number; std: number };
  /** `clean`: what happens to the prompt before it is split into tokens. */
  tokens: {
    tokenizer: 'clip' | 'wordpiece';
    length: number;
    clean?: (prompt: string) => string;
  };
  /** Scores of ordinary images. */
  expected?: readonly [number, number];
}

const clip: Preprocessing = {
  size: 224,
  fit: 'crop',
  interpolation: 'bicubic',
  antialias: true,
  range: [0, 1],
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

const clipTokens = { tokenizer: 'clip', length: 77 } as const;
const anyVersion = { versions: /^.+$/, versionHint: 'any' };
const tower = { prompt: 'tower', head: false, tokens: clipTokens } as const;

/** HPSv2's own transform resizes the longer side and pads; its own tokenizer cleans. */
const hps = {
  ...tower,
  score: 'cosine',
  preprocessing: { ...clip, fit: 'pad' },
  tokens: { ...clipTokens, clean: cleanAsOpenClip },
} as const;

export const layouts = {
  pickscore: {
    ...tower,
    score: 'logit',
    versions: /^v?1(\.|$)/,
    versionHint: '1',
    preprocessing: clip,
    expected: [18, 24],
  },
  hpsv2: { ...hps, versions: /^v?2(\.0.*)?$/, versionHint: '2.0', expected: [0.2, 0.35] },
  'hpsv2.1': { ...hps, versions: /^v?2\.1(\.|$)/, versionHint: '2.1', expected: [0.2, 0.35] },
  'image-reward': {
    prompt: 'tokens',
    head: false,
    score: 'affine',
    versions: /^v?1(\.|$)/,
    versionHint: '1.0',
    preprocessing: clip,
    affine: { mean: 0.16717362830052426, std: 1.0333394966054072 },
    tokens: { tokenizer: 'wordpiece', length: 35 },
    expected: [-2, 2],
  },
  aesthetic: {
    ...anyVersion,
    prompt: 'none',
    head: true,
    score: 'affine',
    preprocessing: clip,
    tokens: clipTokens,
    expected: [1, 10],
  },
  clipscore: { ...tower, ...anyVersion, score: 'cosine', preprocessing: clip, expected: [0, 0.5] },
  plain: {
    ...anyVersion,
    prompt: 'free',
    head: false,
    score: 'affine',
    preprocessing: { ...clip, mean: [0, 0, 0], std: [1, 1, 1] },
    tokens: clipTokens,
  },
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof layouts;

export function layoutOf(name: LayoutName): Layout {
  return layouts[name];
}
