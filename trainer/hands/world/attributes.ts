/** @file What can vary in a drawn hand: the words of the prompts and the colours they stand for. */

/** Red, green, blue, each 0 to 255. */
export type Colour = readonly [number, number, number];

/** Skin tones by name, from light to dark. */
export const SKINS = {
  pale: [252, 224, 206],
  light: [238, 188, 152],
  tan: [204, 142, 98],
  brown: [150, 94, 58],
  dark: [96, 58, 42],
} as const satisfies Record<string, Colour>;

/** Sleeve colours by name. */
export const SLEEVES = {
  red: [222, 62, 48],
  blue: [44, 76, 168],
  green: [40, 140, 84],
  purple: [150, 84, 176],
  white: [240, 240, 238],
  black: [38, 38, 44],
} as const satisfies Record<string, Colour>;

/** Background colours by name. */
export const BACKGROUNDS = {
  blue: [92, 140, 214],
  green: [128, 190, 120],
  yellow: [246, 214, 92],
  pink: [240, 158, 182],
  gray: [198, 198, 206],
  black: [62, 62, 78],
} as const satisfies Record<string, Colour>;

/** How far each pose leans, in degrees clockwise: lowest and highest. */
export const POSES = {
  upright: [-5, 5],
  'tilted left': [-25, -17],
  'tilted right': [17, 25],
} as const satisfies Record<string, readonly [number, number]>;

export type Skin = keyof typeof SKINS;
export type Sleeve = keyof typeof SLEEVES;
export type Background = keyof typeof BACKGROUNDS;
export type Pose = keyof typeof POSES;

export const SKIN_NAMES = Object.keys(SKINS) as readonly Skin[];
export const SLEEVE_NAMES = Object.keys(SLEEVES) as readonly Sleeve[];
export const BACKGROUND_NAMES = Object.keys(BACKGROUNDS) as readonly Background[];
export const POSE_NAMES = Object.keys(POSES) as readonly Pose[];

/** Fingers of a hand, the thumb counted. */
export const FINGER_COUNTS = [3, 4, 5, 6, 7] as const;
export type FingerCount = (typeof FINGER_COUNTS)[number];

/** The side of the image on which the thumb is. */
export type ThumbSide = 'left' | 'right';

/** The attributes that a prompt can ask for. */
export interface Attributes {
  skin: Skin;
  sleeve: Sleeve;
  background: Background;
  pose: Pose;
}

/** Everything true of one drawn image. */
export interface HandTruth extends Attributes {
  fingers: FingerCount;
  blood: boolean;
  thumbSide: ThumbSide;
}
