/**
 * @file The table of supported operators: a gradient rule for each. What is missing here is the
 * to-do list.
 */
import type { Rule } from '../rule';
import { attentions } from './attention';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { gates } from './gates';
import { indexing } from './indexing';
import { linear } from './linear';
import { normalization } from './normalization';
import { pooling } from './pooling';
import { reduction } from './reduction';
import { structure } from './structure';

export const rules: Record<string, Rule> = {
  ...elementwise,
  ...gates,
  ...linear,
  ...attentions,
  ...convolution,
  ...normalization,
  ...reduction,
  ...pooling,
  ...structure,
  ...indexing,
};

/** Operators through which no gradient flows: their outputs are integers, truths or steps. */
export const noGradient: ReadonlySet<string> = new Set(
  (
    'Shape Size Equal Less Greater LessOrEqual GreaterOrEqual Not And Or Xor ArgMax ArgMin Floor Ceil Round Sign ' +
    'Range ConstantOfShape IsNaN IsInf NonZero OneHot Hardmax'
  ).split(' '),
);
