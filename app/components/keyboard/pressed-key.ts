/** @file Which key was pressed, by what is printed on it rather than by where it lies. */

/** What a keyboard event tells of its key. */
export type KeyStroke = { key: string; code: string };

/** What is known of the keyboard in use. */
export type Layout = {
  /** Whether the letters last typed were Latin ones. */
  latin: boolean;
};

/**
 * There is one keyboard at a time; letters tell what it is, and people may switch over at any
 * moment.
 */
const inUse: Layout = { latin: true };

/**
 * The name of a pressed key, null where it has none to go by. 'KeyQ' is the key that types a q,
 * wherever it lies, or lies where q is elsewhere if the keyboard types letters of another script.
 * 'Digit1' and 'ArrowLeft' are places: what digit keys type without Shift differs ('&' in France).
 * Keys of other characters go by the character ('ö', '-'), all others by what they do ('Backspace',
 * 'F2').
 */
export function pressedKey(stroke: KeyStroke): string | null {
  return keyName(stroke, inUse);
}

/** As `pressedKey`, for a layout of one's own, which it keeps up to date. */
export function keyName({ key, code }: KeyStroke, layout: Layout): string | null {
  if (/^(Digit\d|Numpad|Arrow)/.test(code)) return code;
  // Input methods hide what was typed; a dead key has typed nothing yet.
  if (key === 'Process' || key === 'Unidentified') return code || null;
  if (key === 'Dead') return null;
  if (/^[A-Za-z]\w+$/.test(key)) return key;
  if (key === ' ') return 'Space';
  if (/\d/.test(key)) return `Digit${key}`;
  const letter = latinLetter(key);
  // Vowel signs are marks, and some keys type several letters at once.
  if (/[\p{L}\p{M}]/u.test(key)) layout.latin = /\p{Script=Latin}/u.test(key);
  if (letter) return `Key${letter}`;
  // On the keyboards of some scripts (Greek, Hebrew) a few of the places of letters type
  // punctuation.
  if (!layout.latin && /^Key[A-Z]$/.test(code)) return code;
  return key.toLowerCase() || null;
}

/** Turkish keyboards print I on the key that types ı, and İ on the one that types i. */
function latinLetter(key: string): string | null {
  if (key === 'ı' || key === 'İ') return 'I';
  // Japanese keyboards may type wide letters.
  const plain = key.normalize('NFKC');
  return /^[a-z]$/i.test(plain) ? plain.toUpperCase() : null;
}

const printed: Record<string, string> = {
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Backspace: '⌫',
  Delete: 'Del',
  Enter: '↵',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
  // Bound by their place by earlier versions.
  Comma: ',',
  Period: '.',
  Slash: '/',
  Minus: '-',
  Equal: '=',
};

/** A key as it is printed on the keyboard: 'KeyQ' is Q, 'ArrowLeft' is ←. */
export function keyLabel(key: string): string {
  const known = printed[key];
  if (known) return known;
  const upper = key.toUpperCase();
  if ([...key].length === 1) return upper.length === key.length ? upper : key;
  return key.replace(/^(Key|Digit)/, '').replace(/^Numpad/, 'Num ');
}

/** A key in the words of `aria-keyshortcuts`. */
export function ariaKey(key: string): string {
  return key.replace(/^(Key|Digit)/, '');
}
