import { z } from 'zod';
import { flagDescriptions, flagKinds } from '@/lib/flags';
import { ariaKey, type KeyStroke, pressedKey } from '../../components/keyboard/pressed-key';

/** What is on screen: some keys do something else for a group than for a pair. */
export type Subject = 'pair' | 'group';

/** Groups hold at most sixteen images. */
const imageNumbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] as const;

/** What keys do to how images are looked at closely. */
const lookNames = ['pixels', 'zoom-in', 'zoom-out'] as const;
const comparingNames = ['blink', 'slider', 'difference'] as const;

export type LookShortcut = (typeof lookNames)[number] | (typeof comparingNames)[number];

/** Everything on the labeling screen that a single key can do, by what it is done to. */
export const shortcutSections = [
  {
    title: 'Pairs and groups',
    subjects: ['pair', 'group'],
    names: ['skip', 'undo', 'zoom', ...lookNames, 'reveal'],
  },
  {
    title: 'Pairs',
    subjects: ['pair'],
    names: [
      'left',
      'right',
      'tie',
      'both-bad',
      ...comparingNames,
      ...flagKinds.map((kind) => `flag-left-${kind}` as const),
      ...flagKinds.map((kind) => `flag-right-${kind}` as const),
    ],
  },
  {
    title: 'Groups',
    subjects: ['group'],
    names: [
      'next',
      ...imageNumbers.map((number) => `tag-${number}` as const),
      'choose-before',
      'choose-after',
      ...flagKinds.map((kind) => `flag-chosen-${kind}` as const),
    ],
  },
] as const satisfies { title: string; subjects: Subject[]; names: string[] }[];

export type ShortcutName = (typeof shortcutSections)[number]['names'][number];

export const shortcutNames: readonly ShortcutName[] = shortcutSections.flatMap(
  ({ names }): readonly ShortcutName[] => names,
);

/**
 * Letters go by what is printed on the key, digits and arrows by their places (`pressedKey`). For
 * pairs the row of letters is cut in the middle, as it lies on most keyboards: its left half flags
 * the left image, its right half the right one.
 */
export const defaultKeys: Record<ShortcutName, readonly string[]> = {
  skip: ['KeyS'],
  undo: ['KeyZ', 'Backspace'],
  zoom: ['KeyF'],
  pixels: ['KeyX'],
  'zoom-in': ['+', '=', 'NumpadAdd'],
  'zoom-out': ['-', 'NumpadSubtract'],
  blink: ['KeyV'],
  slider: ['KeyC'],
  difference: ['KeyD'],
  reveal: ['KeyB'],
  left: ['ArrowLeft', 'Digit1'],
  right: ['ArrowRight', 'Digit2'],
  tie: ['ArrowUp', 'Digit3'],
  'both-bad': ['ArrowDown', 'Digit4'],
  'flag-left-hand': ['KeyQ'],
  'flag-left-nsfw': ['KeyW'],
  'flag-left-artifact': ['KeyE'],
  'flag-left-text': ['KeyR'],
  'flag-left-other': ['KeyT'],
  'flag-right-hand': ['KeyY'],
  'flag-right-nsfw': ['KeyU'],
  'flag-right-artifact': ['KeyI'],
  'flag-right-text': ['KeyO'],
  'flag-right-other': ['KeyP'],
  next: ['ArrowRight'],
  'tag-1': ['Digit1', 'Numpad1'],
  'tag-2': ['Digit2', 'Numpad2'],
  'tag-3': ['Digit3', 'Numpad3'],
  'tag-4': ['Digit4', 'Numpad4'],
  'tag-5': ['Digit5', 'Numpad5'],
  'tag-6': ['Digit6', 'Numpad6'],
  'tag-7': ['Digit7', 'Numpad7'],
  'tag-8': ['Digit8', 'Numpad8'],
  'tag-9': ['Digit9', 'Numpad9'],
  'tag-10': ['Digit0', 'Numpad0'],
  'tag-11': ['KeyY'],
  'tag-12': ['KeyU'],
  'tag-13': ['KeyI'],
  'tag-14': ['KeyO'],
  'tag-15': ['KeyP'],
  'tag-16': ['KeyL'],
  'choose-before': ['ArrowUp'],
  'choose-after': ['ArrowDown'],
  'flag-chosen-hand': ['KeyQ'],
  'flag-chosen-nsfw': ['KeyW'],
  'flag-chosen-artifact': ['KeyE'],
  'flag-chosen-text': ['KeyR'],
  'flag-chosen-other': ['KeyT'],
};

const labels: Partial<Record<ShortcutName, string>> = {
  skip: 'Skip',
  undo: 'Undo',
  zoom: 'Look closer',
  pixels: 'Look closer: 1:1, pixel for pixel',
  'zoom-in': 'Look closer: zoom in',
  'zoom-out': 'Look closer: zoom out',
  blink: 'Compare: let the images change places while held',
  slider: 'Compare: a slider between the images',
  difference: 'Compare: the difference of the images',
  reveal: 'Show blurred images while held',
  left: 'Pick the left image',
  right: 'Pick the right image',
  tie: 'Tie',
  'both-bad': 'Both bad',
  next: 'Done with the group, next',
  'choose-before': 'Choose the image before',
  'choose-after': 'Choose the image after',
};

/** What a shortcut does, for the list in which keys are changed. */
export function shortcutLabel(name: ShortcutName): string {
  const tag = tagShortcut(name);
  if (tag) return `Image ${tag} is bad`;
  const flag = flagShortcut(name);
  if (!flag) return labels[name] ?? name;
  return `Flag ${flag.which === 'chosen' ? 'the chosen' : flag.which} image: ${flagDescriptions[flag.kind].label}`;
}

/** The same shortcut if it is one of looking closer, else null. */
export function lookShortcut(name: ShortcutName): LookShortcut | null {
  return [...lookNames, ...comparingNames].find((candidate) => candidate === name) ?? null;
}

/** The number of the image that a shortcut tags, or null when it does something else. */
export function tagShortcut(name: ShortcutName): number | null {
  return imageNumbers.find((number) => name === `tag-${number}`) ?? null;
}

/** The shortcut that tags the image with this number, if there is one. */
export function tagShortcutOf(number: number): ShortcutName | null {
  const known = imageNumbers.find((candidate) => candidate === number);
  return known ? `tag-${known}` : null;
}

/** Which image a shortcut flags, and with what; null when it does something else. */
export function flagShortcut(name: ShortcutName) {
  for (const which of ['left', 'right', 'chosen'] as const) {
    for (const kind of flagKinds) if (name === `flag-${which}-${kind}`) return { which, kind };
  }
  return null;
}

const bindingsSchema = z.object({
  on: z.boolean(),
  keys: z.record(z.string(), z.array(z.string().max(40)).max(4)),
});

export type Bindings = { on: boolean; keys: Record<ShortcutName, readonly string[]> };

export const defaultBindings: Bindings = { on: true, keys: defaultKeys };

function subjectsOf(name: ShortcutName): readonly Subject[] {
  const section = shortcutSections.find(({ names }) =>
    (names as readonly ShortcutName[]).includes(name),
  );
  return section?.subjects ?? [];
}

/** Whether one key cannot do both: there is something to which both are done. */
function collide(a: ShortcutName, b: ShortcutName): boolean {
  return a !== b && subjectsOf(a).some((subject) => subjectsOf(b).includes(subject));
}

/**
 * Bindings as they were stored; what cannot be read, and what is new since, is as by default where
 * the key is free.
 */
export function parseBindings(text: string | null): Bindings {
  if (text === null) return defaultBindings;
  const parsed = bindingsSchema.safeParse(safeJson(text));
  if (!parsed.success) return defaultBindings;
  const { on, keys: stored } = parsed.data;
  const isFree = (key: string, name: ShortcutName) =>
    !shortcutNames.some((other) => collide(name, other) && stored[other]?.includes(key));
  const keys = shortcutNames.map((name) => [
    name,
    stored[name] ?? defaultKeys[name].filter((key) => isFree(key, name)),
  ]);
  return { on, keys: Object.fromEntries(keys) };
}

/** The keys of a shortcut in the words of `aria-keyshortcuts`, where it has any. */
export function ariaKeys(bindings: Bindings, name: ShortcutName): string | undefined {
  return (bindings.on && bindings.keys[name].map(ariaKey).join(' ')) || undefined;
}

/**
 * The bindings with `key` doing `name` alone: it is taken from whatever else it did in its place.
 */
export function rebind(bindings: Bindings, name: ShortcutName, key: string): Bindings {
  const keys = { ...bindings.keys };
  for (const other of shortcutNames) {
    if (collide(name, other)) keys[other] = keys[other].filter((bound) => bound !== key);
  }
  keys[name] = [key];
  return { ...bindings, keys };
}

/**
 * What a key does to what is on screen, or null when it does nothing or shortcuts are switched off.
 * Keys of punctuation that an earlier version bound by their place (`code`) still act from there.
 */
export function shortcutFor(
  bindings: Bindings,
  stroke: KeyStroke,
  subject: Subject,
): ShortcutName | null {
  if (!bindings.on) return null;
  const key = pressedKey(stroke);
  const place = /^(Key|Digit|Numpad|Arrow)/.test(stroke.code) ? null : stroke.code;
  const names = shortcutNames.filter((name) => subjectsOf(name).includes(subject));
  for (const bound of [key, place]) {
    const name = bound && names.find((candidate) => bindings.keys[candidate].includes(bound));
    if (name) return name;
  }
  return null;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
