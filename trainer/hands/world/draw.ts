/**
 * @file Paints a scene: for every pixel the signed distances to digits, palm, sleeve and blood,
 * turned into anti-aliased layers (background, sleeve, hand, blood) with an outline, soft light,
 * knuckle creases and nails.
 */
import type { Digit } from './anatomy';
import { stainDistance } from './blood';
import { alongLimb, clamp, limbDistance, polygonDistance, smoothStep, softUnion } from './distance';
import type { Scene } from './scene';

/** Width and height of every image, in pixels. */
export const IMAGE_SIZE = 64;

const OUTLINE_SHADE = 0.46;
const BLOOD = [176, 10, 18] as const;
const NAIL_OPACITY = 0.8;
/** How far the hand's soft shadow falls, in units of its frame. */
const SHADOW_REACH = 5;

/** A colour being mixed, red, green, blue, 0 to 255. */
type Mix = [number, number, number];

function blend(mix: Mix, red: number, green: number, blue: number, amount: number): void {
  mix[0] += (red - mix[0]) * amount;
  mix[1] += (green - mix[1]) * amount;
  mix[2] += (blue - mix[2]) * amount;
}

function shade(mix: Mix, factor: number): void {
  mix[0] *= factor;
  mix[1] *= factor;
  mix[2] *= factor;
}

/** Unit vector toward the light, in the hand's frame. */
interface Light {
  x: number;
  y: number;
}

/** Where a digit stands relative to one pixel. */
interface Reach {
  distance: number;
  /** Sideways offset from the bone toward the light, -1 to 1. */
  lit: number;
}

const FAR: Reach = { distance: Number.POSITIVE_INFINITY, lit: 0 };

function reach(digit: Digit, x: number, y: number, light: Light): Reach {
  let distance = Number.POSITIVE_INFINITY;
  let lit = 0;
  for (const bone of digit.limbs) {
    const next = limbDistance(bone, x, y);
    if (next >= distance) continue;
    distance = next;
    const along = alongLimb(bone, x, y);
    const radius = bone.startRadius + along * (bone.endRadius - bone.startRadius);
    const offsetX = x - bone.startX - along * bone.deltaX;
    const offsetY = y - bone.startY - along * bone.deltaY;
    lit = clamp((offsetX * light.x + offsetY * light.y) / radius, -1, 1);
  }
  return { distance, lit };
}

/** How much of the middle-joint crease lies on this pixel: a short dark line across the finger. */
function crease(digit: Digit, x: number, y: number): number {
  const bone = digit.limbs[1];
  if (!bone) return 0;
  const inverse = Math.sqrt(bone.inverseSquaredLength);
  const along = ((x - bone.startX) * bone.deltaX + (y - bone.startY) * bone.deltaY) * inverse;
  const across = ((x - bone.startX) * bone.deltaY - (y - bone.startY) * bone.deltaX) * inverse;
  return (
    (1 - smoothStep(0.2, 1, Math.abs(along))) *
    (1 - smoothStep(0.5, 0.9, Math.abs(across) / bone.startRadius))
  );
}

/** Coverage of the nail on this pixel. */
function nailCover(nail: Digit['nail'], x: number, y: number): number {
  const fromX = x - nail.x;
  const fromY = y - nail.y;
  const along = (fromX * nail.directionX + fromY * nail.directionY) / (nail.halfWidth * 1.25);
  const across = (fromX * nail.directionY - fromY * nail.directionX) / nail.halfWidth;
  return clamp((1 - Math.sqrt(along * along + across * across)) * nail.halfWidth + 0.5, 0, 1);
}

function paintBackground(mix: Mix, scene: Scene, x: number, y: number): void {
  const [red, green, blue] = scene.background;
  let texture = 0;
  for (const wave of scene.texture) texture += Math.sin(wave.x * x + wave.y * y + wave.phase);
  const slope = ((x - 32) * scene.lightX + (y - 32) * scene.lightY) / 32;
  const light = 1 + 0.13 * slope + 0.018 * texture;
  mix[0] = red * light;
  mix[1] = green * light;
  mix[2] = blue * light;
}

/** The sleeve below the cuff: folds along the arm, a rim at the cuff, a soft outline. */
function paintSleeve(mix: Mix, scene: Scene, x: number, y: number): void {
  const below = y - scene.cuffY;
  const halfWidth = 8.6 + 0.07 * below;
  const distance = Math.max(Math.abs(x) - halfWidth, -below);
  const cover = clamp(0.5 - distance * scene.scale, 0, 1);
  if (cover === 0) return;
  const [red, green, blue] = scene.sleeve;
  const rim = smoothStep(3.6, 3, below);
  const folds = 0.05 * Math.sin(x * 0.9 + below * 0.35);
  const round = 1 - 0.16 * (x / halfWidth) ** 2 + folds;
  const light = (round + 0.1 * rim) * (1 - 0.45 * smoothStep(-1.3, -0.1, distance));
  const seam = 1 - 0.22 * (1 - smoothStep(0.2, 0.9, Math.abs(below - 3.6)));
  blend(mix, red * light * seam, green * light * seam, blue * light * seam, cover);
}

/**
 * Skin, creases, nails and blood on one pixel of the hand. `palm` and `thumb` and the two nearest
 * fingers are distances.
 */
interface HandPixel {
  x: number;
  y: number;
  body: number;
  palm: number;
  thumb: Reach;
  finger: Reach;
  /** The finger that is nearest. */
  digit: Digit;
  /** Distance to the finger that is second nearest. */
  neighbour: number;
}

function paintHand(mix: Mix, scene: Scene, light: Light, pixel: HandPixel): void {
  const { x, y, body, palm, thumb, finger, digit } = pixel;
  const cover = clamp(0.5 - body * scene.scale, 0, 1);
  if (cover === 0) return;
  const onFinger = smoothStep(-1.5, 1.5, palm - finger.distance);
  const onThumb = smoothStep(-1.5, 1.5, palm - thumb.distance) * (1 - onFinger);
  const palmLit = clamp((x * light.x + (y - 3) * light.y) / 14, -1, 1);
  const relief =
    1 +
    0.1 * (onFinger * finger.lit + onThumb * thumb.lit) +
    0.09 * (1 - onFinger - onThumb) * palmLit;
  // A line between neighbouring fingers, fading out in the palm.
  const apart = pixel.neighbour - finger.distance;
  const between =
    finger.distance < 0.5 ? (1 - smoothStep(0.1, 1.1, apart)) * smoothStep(-2.2, 0.4, palm) : 0;
  const tone =
    relief *
    (1 - 0.42 * between) *
    (1 - 0.2 * crease(digit, x, y) * onFinger) *
    (1 - (1 - OUTLINE_SHADE) * smoothStep(-1.25, -0.1, body));

  const [red, green, blue] = scene.skin;
  const paint: Mix = [red * tone, green * tone, blue * tone];
  const nailed = finger.distance < thumb.distance ? digit : scene.hand.thumb;
  const nail = nailCover(nailed.nail, x, y) * NAIL_OPACITY;
  blend(paint, mixed(red, 255), mixed(green, 214), mixed(blue, 210), nail);
  if (scene.stains.length > 0) {
    const stain = stainDistance(scene.stains, x, y);
    const wet = clamp(0.5 - stain * scene.scale, 0, 1);
    const rim = 1 - 0.35 * smoothStep(-1.2, 0, stain);
    blend(paint, BLOOD[0] * rim * relief, BLOOD[1] * rim, BLOOD[2] * rim, wet * 0.96);
  }
  blend(mix, paint[0], paint[1], paint[2], cover);
}

/** The colour of a nail: between the skin's channel and a pale pink's. */
function mixed(skin: number, pink: number): number {
  return skin * 0.55 + pink * 0.45;
}

/** Draws the scene; returns RGB, 64x64x3, row by row. */
export function drawScene(scene: Scene): Uint8Array {
  const pixels = new Uint8Array(IMAGE_SIZE * IMAGE_SIZE * 3);
  const { hand, scale } = scene;
  const cosine = Math.cos(scene.lean);
  const sine = Math.sin(scene.lean);
  const mirror = scene.truth.thumbSide === 'left' ? 1 : -1;
  // Light is fixed in the image; the hand's frame is turned and maybe mirrored.
  const light: Light = {
    x: mirror * (cosine * scene.lightX + sine * scene.lightY),
    y: cosine * scene.lightY - sine * scene.lightX,
  };
  const mix: Mix = [0, 0, 0];

  for (let row = 0; row < IMAGE_SIZE; row++) {
    for (let column = 0; column < IMAGE_SIZE; column++) {
      const imageX = column + 0.5 - scene.originX;
      const imageY = row + 0.5 - scene.originY;
      const x = (mirror * (cosine * imageX + sine * imageY)) / scale;
      const y = (cosine * imageY - sine * imageX) / scale;
      paintBackground(mix, scene, column, row);

      let digit = hand.thumb;
      let finger: Reach = FAR;
      let neighbour = FAR.distance;
      for (const candidate of hand.fingers) {
        const found = reach(candidate, x, y, light);
        if (found.distance < finger.distance) {
          neighbour = finger.distance;
          finger = found;
          digit = candidate;
        } else if (found.distance < neighbour) neighbour = found.distance;
      }
      const thumb = reach(hand.thumb, x, y, light);
      const palm = softUnion(polygonDistance(hand.palm, x, y), limbDistance(hand.wrist, x, y), 4);
      const body = softUnion(softUnion(palm, thumb.distance, 3.5), finger.distance, 1.6);
      if (body < SHADOW_REACH) shade(mix, 1 - 0.26 * (1 - smoothStep(0, SHADOW_REACH, body)));
      paintHand(mix, scene, light, { x, y, body, palm, thumb, finger, digit, neighbour });
      paintSleeve(mix, scene, x, y);

      const at = (row * IMAGE_SIZE + column) * 3;
      pixels[at] = clamp(mix[0] + 0.5, 0, 255);
      pixels[at + 1] = clamp(mix[1] + 0.5, 0, 255);
      pixels[at + 2] = clamp(mix[2] + 0.5, 0, 255);
    }
  }
  return pixels;
}
