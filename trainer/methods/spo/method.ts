/**
 * @file What a method decides that pairs candidates of a step: which become a pair, and the loss of
 * one.
 */
import type { PairLoss } from '../transitions/pair-loss';
import type { ChoiceSettings } from './choice';

export interface StepPairsMethod {
  choice: ChoiceSettings;
  loss: PairLoss;
}
