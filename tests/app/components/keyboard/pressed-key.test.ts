import { describe, expect, it } from 'vitest';
import {
  ariaKey,
  keyLabel,
  keyName,
  type Layout,
  pressedKey,
} from '@/app/components/keyboard/pressed-key';

/**
 * What a keyboard of this layout names its keys, pressed in this order: `[what it types, where it
 * lies]`.
 */
function named(strokes: [key: string, code: string][]): (string | null)[] {
  const layout: Layout = { latin: true };
  return strokes.map(([key, code]) => keyName({ key, code }, layout));
}

describe('letters', () => {
  it('go by what is printed, wherever they lie', () => {
    // German, French, Dvorak, Turkish F.
    expect(
      named([
        ['z', 'KeyY'],
        ['y', 'KeyZ'],
      ]),
    ).toEqual(['KeyZ', 'KeyY']);
    expect(
      named([
        ['a', 'KeyQ'],
        ['q', 'KeyA'],
        ['z', 'KeyW'],
        ['m', 'Semicolon'],
      ]),
    ).toEqual(['KeyA', 'KeyQ', 'KeyZ', 'KeyM']);
    expect(
      named([
        ['q', 'KeyX'],
        ['s', 'Semicolon'],
        ['b', 'KeyN'],
      ]),
    ).toEqual(['KeyQ', 'KeyS', 'KeyB']);
  });

  it('do not ask for Shift or Caps Lock, nor which i a Turkish keyboard means', () => {
    expect(
      named([
        ['Q', 'KeyQ'],
        ['ı', 'KeyI'],
        ['İ', 'Quote'],
        ['i', 'Quote'],
      ]),
    ).toEqual(['KeyQ', 'KeyI', 'KeyI', 'KeyI']);
  });

  it('are not what another key types in the place of one', () => {
    // French: a comma where others have M; Dvorak: a quote where others have Q, a semicolon for Z.
    expect(
      named([
        [',', 'KeyM'],
        ["'", 'KeyQ'],
        [';', 'KeyZ'],
      ]),
    ).toEqual([',', "'", ';']);
  });

  it('of another script go by their places', () => {
    const cyrillic: [string, string][] = [
      ['й', 'KeyQ'],
      ['я', 'KeyZ'],
      ['Ф', 'KeyA'],
      ['х', 'BracketLeft'],
    ];
    expect(named(cyrillic)).toEqual(['KeyQ', 'KeyZ', 'KeyA', 'х']);
    expect(
      named([
        ['ض', 'KeyQ'],
        ['ㅂ', 'KeyQ'],
        ['ζ', 'KeyZ'],
        ['た', 'KeyQ'],
      ]),
    ).toEqual(['KeyQ', 'KeyQ', 'KeyZ', 'KeyQ']);
    // Hindi: a vowel sign, and two letters on one key. Wide letters of Japanese keyboards are
    // letters.
    expect(
      named([
        ['ा', 'KeyE'],
        ['ज्ञ', 'KeyQ'],
        ['ｚ', 'KeyY'],
      ]),
    ).toEqual(['KeyE', 'KeyQ', 'KeyZ']);
    // Greek and Hebrew type punctuation in some places of letters: known once a letter has been
    // typed.
    expect(
      named([
        ['σ', 'KeyS'],
        [';', 'KeyQ'],
      ]),
    ).toEqual(['KeyS', 'KeyQ']);
    expect(
      named([
        ['ש', 'KeyA'],
        ['/', 'KeyQ'],
        ["'", 'KeyW'],
      ]),
    ).toEqual(['KeyA', 'KeyQ', 'KeyW']);
    // Switched over to a Latin layout.
    expect(
      named([
        ['й', 'KeyQ'],
        ['a', 'KeyQ'],
        [',', 'KeyM'],
      ]),
    ).toEqual(['KeyQ', 'KeyA', ',']);
  });

  it('behind an input method go by their places', () => {
    expect(
      named([
        ['Process', 'KeyQ'],
        ['Unidentified', 'KeyZ'],
      ]),
    ).toEqual(['KeyQ', 'KeyZ']);
  });

  it('beyond a to z are themselves', () => {
    expect(
      named([
        ['ö', 'Semicolon'],
        ['Ö', 'Semicolon'],
        ['ñ', 'Semicolon'],
        ['ß', 'Minus'],
      ]),
    ).toEqual(['ö', 'ö', 'ñ', 'ß']);
  });
});

describe('digits and arrows', () => {
  it('go by their places, whatever they type without Shift', () => {
    expect(
      named([
        ['&', 'Digit1'],
        ['é', 'Digit2'],
        ['à', 'Digit0'],
        ['ě', 'Digit2'],
        ['١', 'Digit1'],
      ]),
    ).toEqual(['Digit1', 'Digit2', 'Digit0', 'Digit2', 'Digit1']);
    expect(
      named([
        ['ArrowLeft', 'ArrowLeft'],
        ['1', 'Numpad1'],
        ['End', 'Numpad1'],
      ]),
    ).toEqual(['ArrowLeft', 'Numpad1', 'Numpad1']);
  });

  it('go by what they type where a keyboard on a screen tells no places', () => {
    expect(
      named([
        ['1', ''],
        ['ArrowLeft', ''],
        ['q', ''],
      ]),
    ).toEqual(['Digit1', 'ArrowLeft', 'KeyQ']);
  });
});

it('names other keys by what they do, and dead ones not at all', () => {
  expect(
    named([
      ['Backspace', 'Backspace'],
      [' ', 'Space'],
      ['F2', 'F2'],
      ['-', 'Slash'],
      ['Dead', 'Quote'],
    ]),
  ).toEqual(['Backspace', 'Space', 'F2', '-', null]);
  expect(named([['Escape', 'CapsLock']])).toEqual(['Escape']);
});

it('remembers the layout in use from key to key', () => {
  pressedKey({ key: 'ф', code: 'KeyA' });
  expect(pressedKey({ key: ';', code: 'KeyQ' })).toBe('KeyQ');
  pressedKey({ key: 'a', code: 'KeyA' });
  expect(pressedKey({ key: ';', code: 'KeyZ' })).toBe(';');
});

it('prints keys as keyboards do, and tells them to screen readers', () => {
  const keys = ['ArrowLeft', 'Digit1', 'KeyQ', 'Numpad4', 'F2', 'ö', 'ß', '-'];
  expect(keys.map(keyLabel)).toEqual(['←', '1', 'Q', 'Num 4', 'F2', 'Ö', 'ß', '-']);
  expect(['KeyQ', 'ArrowLeft', 'Digit1'].map(ariaKey)).toEqual(['Q', 'ArrowLeft', '1']);
});
