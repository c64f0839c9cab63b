/** @file nsfwjs' classifier: how much of an image is porn, hentai or sexy. */
import { float32 } from '@/trainer/graph/tensor';
import { outputOf, type Session } from '@/trainer/runtime/engine';
import type { Part } from './part';
import { resized } from './pixels';

/** In the order of its output (`nsfw_classes`). */
export const nsfwClasses = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'] as const;

const unsafe = new Set<string>(['Hentai', 'Porn', 'Sexy']);

/** Opens the part. @param settings threshold */
export function nsfwPart(
  { classifier }: { classifier: Session },
  { threshold = 0.5 }: Readonly<Record<string, number>>,
): Part {
  const [input] = classifier.inputs;
  const [output] = classifier.outputs;
  const side = input!.dims[2]! as number;
  return {
    async read({ image }) {
      const pixels = float32([1, 3, side, side], resized(image, side, 'corners'));
      const outputs = await classifier.run({ [input!.name]: pixels });
      const shares = outputOf(outputs, output!.name, 'float32').data;
      const score = nsfwClasses.reduce(
        (sum, name, i) => (unsafe.has(name) ? sum + shares[i]! : sum),
        0,
      );
      return { nsfw: { found: score >= threshold, score: Math.min(1, Math.max(0, score)) } };
    },
    release: () => classifier.release(),
  };
}
