import { describe, expect, it } from 'vitest';
import {
  defaultBindings,
  defaultKeys,
  keyLabel,
  parseBindings,
  rebind,
  shortcutFor,
  shortcutNames,
} from '@/app/label/shortcuts';

describe('default keys', () => {
  it('never give one key two meanings', () => {
    const all = shortcutNames.flatMap((name) => defaultKeys[name]);
    expect(new Set(all).size).toBe(all.length);
  });

  it('do what is printed on the buttons', () => {
    expect(shortcutFor(defaultBindings, 'ArrowLeft')).toBe('left');
    expect(shortcutFor(defaultBindings, 'Digit2')).toBe('right');
    expect(shortcutFor(defaultBindings, 'KeyQ')).toBe('flag-left-hand');
    expect(shortcutFor(defaultBindings, 'KeyP')).toBe('flag-right-other');
    expect(shortcutFor(defaultBindings, 'KeyX')).toBeNull();
  });
});

describe('changing keys', () => {
  it('takes a key from what it did before', () => {
    const changed = rebind(defaultBindings, 'skip', 'ArrowLeft');
    expect(shortcutFor(changed, 'ArrowLeft')).toBe('skip');
    expect(shortcutFor(changed, 'KeyS')).toBeNull();
    expect(changed.keys.left).toEqual(['Digit1']);
  });

  it('switches all of them off', () => {
    expect(shortcutFor({ ...defaultBindings, on: false }, 'ArrowLeft')).toBeNull();
  });

  it('survives storing and reading, and falls back where the stored text is of no use', () => {
    const changed = rebind(defaultBindings, 'tie', 'Space');
    expect(parseBindings(JSON.stringify(changed))).toEqual(changed);
    for (const useless of [null, '', '{', '[]', '{"on":1,"keys":{}}']) {
      expect(parseBindings(useless)).toEqual(defaultBindings);
    }
    expect(parseBindings('{"on":true,"keys":{"tie":["KeyM"],"gone":["KeyN"]}}').keys).toEqual({
      ...defaultKeys,
      tie: ['KeyM'],
    });
  });
});

it('prints keys as keyboards do', () => {
  expect(['ArrowLeft', 'Digit1', 'KeyQ', 'Numpad4', 'F2'].map(keyLabel)).toEqual([
    '←',
    '1',
    'Q',
    'Num 4',
    'F2',
  ]);
});
