import { z } from 'zod';
import { flagDescriptions, flagKinds } from '@/lib/flags';

/** Everything on the labeling screen that a single key can do. */
export const shortcutNames = [
  'left',
  'right',
  'tie',
  'both-bad',
  'skip',
  'undo',
  'zoom',
  'reveal',
  ...flagKinds.map((kind) => `flag-left-${kind}` as const),
  ...flagKinds.map((kind) => `flag-right-${kind}` as const),
] as const;

export type ShortcutName = (typeof shortcutNames)[number];

/**
 * Physical keys (`KeyboardEvent.code`), so that another keyboard layout moves nothing. The row of
 * letters is cut in the middle: its left half flags the left image, its right half the right one.
 */
export const defaultKeys: Record<ShortcutName, readonly string[]> = {
  left: ['ArrowLeft', 'Digit1'],
  right: ['ArrowRight', 'Digit2'],
  tie: ['ArrowUp', 'Digit3'],
  'both-bad': ['ArrowDown', 'Digit4'],
  skip: ['KeyS'],
  undo: ['KeyZ', 'Backspace'],
  zoom: ['KeyF'],
  reveal: ['KeyB'],
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
};

/** What a shortcut does, for the list in which keys are changed. */
export function shortcutLabel(name: ShortcutName): string {
  const fixed: Partial<Record<ShortcutName, string>> = {
    left: 'Pick the left image',
    right: 'Pick the right image',
    tie: 'Tie',
    'both-bad': 'Both bad',
    skip: 'Skip',
    undo: 'Undo',
    zoom: 'Look closer',
    reveal: 'Show blurred images while held',
  };
  const kind = flagKinds.find((candidate) => name.endsWith(`-${candidate}`));
  const side = name.startsWith('flag-left') ? 'left' : 'right';
  return fixed[name] ?? `Flag ${side} image: ${kind ? flagDescriptions[kind].label : name}`;
}

const bindingsSchema = z.object({
  on: z.boolean(),
  keys: z.record(z.string(), z.array(z.string().max(40)).max(4)),
});

export type Bindings = { on: boolean; keys: Record<ShortcutName, readonly string[]> };

export const defaultBindings: Bindings = { on: true, keys: defaultKeys };

/** Bindings as they were stored; what cannot be read, and what is new since, is as by default. */
export function parseBindings(text: string | null): Bindings {
  if (text === null) return defaultBindings;
  const parsed = bindingsSchema.safeParse(safeJson(text));
  if (!parsed.success) return defaultBindings;
  const stored = shortcutNames.flatMap((name) => {
    const keys = parsed.data.keys[name];
    return keys ? [[name, keys] as const] : [];
  });
  return { on: parsed.data.on, keys: { ...defaultKeys, ...Object.fromEntries(stored) } };
}

/** The bindings with `code` doing `name` alone: it is taken from whatever it did before. */
export function rebind(bindings: Bindings, name: ShortcutName, code: string): Bindings {
  const keys = { ...bindings.keys };
  for (const other of shortcutNames) keys[other] = keys[other].filter((key) => key !== code);
  keys[name] = [code];
  return { ...bindings, keys };
}

/** What a key does, or null when it does nothing or shortcuts are switched off. */
export function shortcutFor(bindings: Bindings, code: string): ShortcutName | null {
  if (!bindings.on) return null;
  return shortcutNames.find((name) => bindings.keys[name].includes(code)) ?? null;
}

const printed: Record<string, string> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Backspace: '⌫',
  Enter: '↵',
  Space: 'Space',
  Comma: ',',
  Period: '.',
  Slash: '/',
  Minus: '-',
  Equal: '=',
};

/** A key as it is printed on the keyboard: 'KeyQ' is Q, 'ArrowLeft' is ←. */
export function keyLabel(code: string): string {
  return printed[code] ?? code.replace(/^(Key|Digit)/, '').replace(/^Numpad/, 'Num ');
}

/** A key in the words of `aria-keyshortcuts`. */
export function ariaKey(code: string): string {
  return code.replace(/^(Key|Digit)/, '');
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
