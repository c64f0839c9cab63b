'use client';

import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { pressedKey } from '../../components/keyboard/pressed-key';
import { browserStorage } from '../../components/storage/browser-storage';
import {
  type Bindings,
  defaultBindings,
  parseBindings,
  type ShortcutName,
  type Subject,
  shortcutFor,
} from './shortcuts';

const storageKey = 'darkroom-shortcuts';

/**
 * This browser's bindings (they go with the keyboard, not with the person) and a way to change
 * them.
 */
export function useBindings(): {
  bindings: Bindings;
  /** Whether they outlive this page; a browser may refuse to store them. */
  kept: boolean;
  change: (bindings: Bindings) => void;
} {
  const [bindings, setBindings] = useState(defaultBindings);
  const [kept, setKept] = useState(true);
  useEffect(() => setBindings(parseBindings(browserStorage().read(storageKey))), []);
  return {
    bindings,
    kept,
    change: (changed) => {
      setBindings(changed);
      setKept(browserStorage().write(storageKey, JSON.stringify(changed)));
    },
  };
}

/**
 * Calls `onPress` when a bound key goes down and `onRelease` when it comes up. A key held down
 * counts once: nobody means to judge thirty pairs a second.
 */
export function useShortcuts(options: {
  bindings: Bindings;
  /** What is on screen, null while nothing is that keys could act on. */
  subject: Subject | null;
  onPress: (name: ShortcutName) => void;
  onRelease: (name: ShortcutName) => void;
}): void {
  const { bindings, subject, onPress, onRelease } = options;
  // By place: Shift and a change of layout may let a key come up under another name than it went
  // down.
  const down = useRef(new Map<string, ShortcutName>());
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    const name = subject && meantBy(event, bindings, subject);
    if (!name) return;
    event.preventDefault();
    if (event.repeat) return;
    down.current.set(event.code, name);
    onPress(name);
  });
  const released = useEffectEvent((event: KeyboardEvent) => {
    const name = down.current.get(event.code);
    down.current.delete(event.code);
    if (name) onRelease(name);
  });

  useEffect(() => {
    const goesDown = (event: KeyboardEvent) => pressed(event);
    const comesUp = (event: KeyboardEvent) => released(event);
    // In the capturing phase: dialogs keep arrow keys to themselves, and the closer look is one.
    window.addEventListener('keydown', goesDown, { capture: true });
    window.addEventListener('keyup', comesUp, { capture: true });
    return () => {
      window.removeEventListener('keydown', goesDown, { capture: true });
      window.removeEventListener('keyup', comesUp, { capture: true });
    };
  }, []);
}

/** What a key does on the labeling screen, null where it belongs to something else. */
function meantBy(event: KeyboardEvent, bindings: Bindings, subject: Subject): ShortcutName | null {
  if (event.defaultPrevented || event.altKey || isTypedInto(event.target)) return null;
  if (event.ctrlKey || event.metaKey) return takesBack(event) ? 'undo' : null;
  // With Shift arrows move what is looked at closely; nobody judges with both by design.
  if (event.shiftKey && event.key.startsWith('Arrow')) return null;
  const presses = event.key === ' ' || event.key === 'Enter';
  if (presses && event.target instanceof Element && event.target.closest(pressable)) return null;
  return shortcutFor(bindings, event, subject);
}

/**
 * Ctrl+Z, or ⌘Z, as everywhere. It is no single key, so it stays when those are changed or switched
 * off.
 */
function takesBack(event: KeyboardEvent): boolean {
  return !event.shiftKey && pressedKey(event) === 'KeyZ';
}

const pressable = 'button, a, [role="button"]';

/** Whether keys belong to what has the focus: a text field, an open menu. */
function isTypedInto(target: EventTarget | null): boolean {
  const fields =
    'input:not([type="range"]), textarea, select, [contenteditable="true"], [role="menu"], [role="listbox"]';
  return target instanceof Element && target.closest(fields) !== null;
}
