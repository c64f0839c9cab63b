/**
 * @file Hands by the networks of @vladmandic/human, run as its own `src/hand/handtrack.ts` runs
 * them: a detector over the whole image, then for each hand found MediaPipe's landmarks in a crop
 * around it.
 */
import type { Verdict } from '@/lib/samples';
import type { RgbImage } from '@/trainer/diffusion/images/png';
import { float32 } from '@/trainer/graph/tensor';
import { outputOf, type Session } from '@/trainer/runtime/engine';
import { impossibleIn, type Point } from './anatomy';
import { distinct, enlarged, type Scored } from './boxes';
import type { Part } from './part';
import { resized } from './pixels';

/** The classes of the detector that are none: hand, fist, pinch, point, face, tip, pinchtip. */
const faceClass = 4;
const mostHands = 4;
/** Human's own numbers: two boxes are one hand from here on, and how much more is cropped. */
const overlapMax = 0.2;
const cropTimes = 1.4;

/** Outputs by TensorFlow's names. */
export const detectorInput = 'StatefulPartitionedCall/map/TensorArrayV2Stack/TensorListStack';
export const detectorScores = 'StatefulPartitionedCall/Postprocessor/Slice';
export const detectorBoxes = 'StatefulPartitionedCall/Postprocessor/ExpandDims_1';
export const presenceOutput = 'Identity_1';
/** In metres, about the middle of the hand. */
export const landmarksOutput = 'Identity_3';

/** Words that ask for a hand; a palm tree does not. */
const asksForHand =
  /\b(hands?|fists?|fingers?|thumbs?|handshakes?|palms?(?![- ](trees?|oil|leaf|leaves)))\b/i;

/** What is said of a hand that was found. */
interface FoundHand {
  score: number;
  /** How sure the landmark network is that it is one. */
  presence: number;
  impossible: string | null;
}

/** Opens the part. @param settings detection, presence, stretch, bend */
export function handsPart(
  { detector, landmarks }: { detector: Session; landmarks: Session },
  settings: Readonly<Record<string, number>>,
): Part {
  const { detection = 0.5, presence = 0.5, stretch = 1.5, bend = 140 } = settings;

  async function detect(image: RgbImage): Promise<Scored[]> {
    const [input] = detector.inputs;
    const side = input!.dims[2]! as number;
    // The detector's own graph brings pixels to [−1, 1] before where its input is cut off.
    const pixels = resized(image, side, 'edges').map((value) => 2 * value - 1);
    const outputs = await detector.run({ [input!.name]: float32([1, 3, side, side], pixels) });
    const scores = outputOf(outputs, detectorScores, 'float32');
    const boxes = outputOf(outputs, detectorBoxes, 'float32').data;
    const classes = scores.dims.at(-1)!;
    const found: Scored[] = [];
    for (let i = 0; i * classes < scores.data.length; i++) {
      const own = scores.data.subarray(i * classes, (i + 1) * classes);
      const score = Math.max(...own.filter((_, kind) => kind !== faceClass));
      const [top = 0, left = 0, bottom = 0, right = 0] = boxes.subarray(4 * i, 4 * i + 4);
      found.push({ score, box: { top, left, bottom, right } });
    }
    return found;
  }

  async function look(image: RgbImage, { box, score }: Scored): Promise<FoundHand> {
    const [input] = landmarks.inputs;
    const side = input!.dims[2]! as number;
    const pixels = resized(image, side, 'corners', enlarged(box, cropTimes));
    const outputs = await landmarks.run({ [input!.name]: float32([1, 3, side, side], pixels) });
    const flat = outputOf(outputs, landmarksOutput, 'float32').data;
    const points = Array.from({ length: flat.length / 3 }, (_, i) => {
      return [flat[3 * i]!, flat[3 * i + 1]!, flat[3 * i + 2]!] as Point;
    });
    return {
      score,
      presence: outputOf(outputs, presenceOutput, 'float32').data[0]!,
      impossible: impossibleIn(points, { stretch, bend }),
    };
  }

  return {
    async read({ prompt, image }) {
      const all = await detect(image);
      const sure = all.filter(({ score }) => score >= detection);
      const hands: FoundHand[] = [];
      for (const one of distinct(sure, overlapMax, mostHands)) hands.push(await look(image, one));
      const surest = all.reduce((most, { score }) => Math.max(most, score), 0);
      return verdictOn(hands, surest, asksForHand.test(prompt), presence);
    },
    async release() {
      await detector.release();
      await landmarks.release();
    },
  };
}

/** @param surest the highest score of anything in the image */
function verdictOn(
  hands: readonly FoundHand[],
  surest: number,
  isWanted: boolean,
  presence: number,
): Verdict['defects'] {
  const badness = hands.map((hand) => (hand.impossible ? 1 : 1 - hand.presence));
  return {
    'bad-hand': {
      found: hands.some((hand) => hand.impossible !== null || hand.presence < presence),
      score: Math.max(0, ...badness),
    },
    'no-hand': {
      found: isWanted && hands.length === 0,
      score: isWanted ? 1 - surest : 0,
    },
  };
}
