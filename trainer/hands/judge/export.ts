/**
 * @file A trained judge as one small ONNX file: RGB bytes in, probabilities per question and
 * features out.
 */

import type { Constant } from '@/trainer/graph/model';
import { portableNetwork, TRACED_BATCH } from '../pretrain/portable';
import { imagesFromBytes } from '../pretrain/vae-stage';
import { IMAGE_SIZE } from '../world/draw';
import { buildJudge, type JudgeName } from './networks';
import { appendPerceptualFeatures } from './perceptual';
import { QUESTION_NAMES } from './verdict';

/** The ONNX bytes of judge `name` with these weights. */
export function exportJudge(name: JudgeName, weights: ReadonlyMap<string, Constant>): Uint8Array {
  return portableNetwork(`judge ${name}`, weights, (layers) => {
    const b = layers.builder;
    const bytes = b.input('images', 'uint8', [TRACED_BATCH, IMAGE_SIZE, IMAGE_SIZE, 3]);
    const { logits, stages } = buildJudge(layers, name, imagesFromBytes(b, bytes));
    const probabilities = logits.map((value) => b.op('Softmax', [value], { axis: 1 }));
    return {
      ...Object.fromEntries(QUESTION_NAMES.map((question, at) => [question, probabilities[at]])),
      features: appendPerceptualFeatures(b, stages),
    } as Record<string, string>;
  });
}
