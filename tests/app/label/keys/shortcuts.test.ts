import { describe, expect, it } from 'vitest';
import { keyLabel } from '@/app/components/keyboard/pressed-key';
import {
  type Bindings,
  defaultBindings,
  defaultKeys,
  flagShortcut,
  parseBindings,
  rebind,
  type ShortcutName,
  type Subject,
  shortcutFor,
  shortcutLabel,
  shortcutNames,
  shortcutSections,
  tagShortcut,
} from '@/app/label/keys/shortcuts';

/** What a key of an American keyboard does. */
function does(bindings: Bindings, code: string, subject: Subject = 'pair') {
  const key = code.replace(/^(Key|Digit|Numpad)/, '').toLowerCase();
  return shortcutFor(
    bindings,
    { key: /^(Key|Digit|Numpad)/.test(code) ? key : code, code },
    subject,
  );
}

const namesFor = (subject: Subject): ShortcutName[] =>
  shortcutSections
    .filter(({ subjects }) => (subjects as readonly Subject[]).includes(subject))
    .flatMap(({ names }): readonly ShortcutName[] => names);

describe('default keys', () => {
  it.each(['pair', 'group'] as const)('never give one key two meanings for a %s', (subject) => {
    const all = namesFor(subject).flatMap((name) => defaultKeys[name]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('do what is printed on the buttons', () => {
    expect(does(defaultBindings, 'ArrowLeft')).toBe('left');
    expect(does(defaultBindings, 'Digit2')).toBe('right');
    expect(does(defaultBindings, 'KeyQ')).toBe('flag-left-hand');
    expect(does(defaultBindings, 'KeyP')).toBe('flag-right-other');
    expect(does(defaultBindings, 'KeyN')).toBeNull();
  });

  it('reach every image of the largest group', () => {
    const tagged = namesFor('group').filter((name) => tagShortcut(name) !== null);
    expect(tagged.map(tagShortcut)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
    for (const name of tagged)
      expect(does(defaultBindings, defaultKeys[name][0]!, 'group')).toBe(name);
    expect(does(defaultBindings, 'Numpad7', 'group')).toBe('tag-7');
  });

  it('are the printed letters on every layout', () => {
    const letters = shortcutNames.flatMap((name) =>
      defaultKeys[name].filter((key) => key.startsWith('Key')).map((key) => ({ name, key })),
    );
    expect(letters.length).toBeGreaterThan(20);
    for (const { name, key } of letters) {
      const subject = namesFor('pair').includes(name) ? 'pair' : 'group';
      // Somewhere else than where an American keyboard has it.
      const stroke = { key: keyLabel(key).toLowerCase(), code: 'Semicolon' };
      expect(shortcutFor(defaultBindings, stroke, subject), name).toBe(name);
    }
    // The key that a German keyboard marks Z takes back, and does not flag.
    expect(shortcutFor(defaultBindings, { key: 'z', code: 'KeyY' }, 'pair')).toBe('undo');
    expect(shortcutFor(defaultBindings, { key: 'y', code: 'KeyZ' }, 'pair')).toBe(
      'flag-right-hand',
    );
    expect(shortcutFor(defaultBindings, { key: '&', code: 'Digit1' }, 'pair')).toBe('left');
    expect(shortcutFor(defaultBindings, { key: 'я', code: 'KeyZ' }, 'pair')).toBe('undo');
  });
});

describe('changing keys', () => {
  it('takes a key from what it did before', () => {
    const changed = rebind(defaultBindings, 'skip', 'ArrowLeft');
    expect(does(changed, 'ArrowLeft')).toBe('skip');
    expect(does(changed, 'KeyS')).toBeNull();
    expect(changed.keys.left).toEqual(['Digit1']);
  });

  it('leaves a key what it does to the other kind', () => {
    const changed = rebind(defaultBindings, 'tag-16', 'KeyU');
    expect(does(changed, 'KeyU', 'group')).toBe('tag-16');
    expect(does(changed, 'KeyU', 'pair')).toBe('flag-right-nsfw');
    expect(changed.keys['tag-12']).toEqual([]);
    const both = rebind(defaultBindings, 'skip', 'KeyU');
    expect(does(both, 'KeyU', 'group')).toBe('skip');
    expect(does(both, 'KeyU', 'pair')).toBe('skip');
  });

  it('switches all of them off', () => {
    expect(does({ ...defaultBindings, on: false }, 'ArrowLeft')).toBeNull();
  });

  it('survives storing and reading, and falls back where the stored text is of no use', () => {
    const changed = rebind(defaultBindings, 'tie', 'ö');
    expect(parseBindings(JSON.stringify(changed))).toEqual(changed);
    for (const useless of [null, '', '{', '[]', '{"on":1,"keys":{}}']) {
      expect(parseBindings(useless)).toEqual(defaultBindings);
    }
    expect(parseBindings('{"on":true,"keys":{"tie":["KeyM"],"gone":["KeyN"]}}').keys).toEqual({
      ...defaultKeys,
      tie: ['KeyM'],
    });
  });

  it('keeps working as stored by earlier versions, which knew pairs and places only', () => {
    const stored = parseBindings(
      '{"on":true,"keys":{"skip":["KeyY"],"tie":["Semicolon"],"undo":["Minus"],"both-bad":["Digit9"]}}',
    );
    expect(does(stored, 'KeyY')).toBe('skip');
    expect(does(stored, 'Digit9')).toBe('both-bad');
    // The key beside L and the one beside 0, whatever they type.
    expect(shortcutFor(stored, { key: 'ö', code: 'Semicolon' }, 'pair')).toBe('tie');
    expect(shortcutFor(stored, { key: 'ß', code: 'Minus' }, 'pair')).toBe('undo');
    // What is new since gives way where it would take a stored key.
    expect(stored.keys['tag-11']).toEqual([]);
    expect(does(stored, 'KeyY', 'group')).toBe('skip');
    expect(does(stored, 'Digit9', 'group')).toBe('tag-9');
  });
});

it('says what each does in words of its own', () => {
  const labels = shortcutNames.map(shortcutLabel);
  expect(new Set(labels).size).toBe(labels.length);
  expect(shortcutLabel('flag-chosen-hand')).toBe('Flag the chosen image: Hand');
  expect(shortcutLabel('flag-right-nsfw')).toBe('Flag right image: NSFW');
  expect(flagShortcut('skip')).toBeNull();
});
