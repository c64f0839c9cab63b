'use client';

import { useEffect, useEffectEvent, useState } from 'react';
import {
  type Bindings,
  defaultBindings,
  parseBindings,
  type ShortcutName,
  shortcutFor,
} from './shortcuts';

const storageKey = 'darkroom-shortcuts';

/** This browser's bindings (they go with the keyboard, not with the person) and a way to change them. */
export function useBindings(): [Bindings, (bindings: Bindings) => void] {
  const [bindings, setBindings] = useState(defaultBindings);
  useEffect(() => setBindings(parseBindings(localStorage.getItem(storageKey))), []);
  return [
    bindings,
    (changed) => {
      setBindings(changed);
      localStorage.setItem(storageKey, JSON.stringify(changed));
    },
  ];
}

/**
 * Calls `onPress` when a bound key goes down and `onRelease` when it comes up. A key held down counts
 * once: nobody means to judge thirty pairs a second.
 */
export function useShortcuts(options: {
  bindings: Bindings;
  enabled: boolean;
  onPress: (name: ShortcutName) => void;
  onRelease: (name: ShortcutName) => void;
}): void {
  const { bindings, enabled, onPress, onRelease } = options;
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    const name = shortcutFor(bindings, event.code);
    if (!enabled || !name || hasOtherMeaning(event)) return;
    event.preventDefault();
    if (!event.repeat) onPress(name);
  });
  const released = useEffectEvent((event: KeyboardEvent) => {
    const name = shortcutFor(bindings, event.code);
    if (name) onRelease(name);
  });

  useEffect(() => {
    const down = (event: KeyboardEvent) => pressed(event);
    const up = (event: KeyboardEvent) => released(event);
    // In the capturing phase: dialogs keep arrow keys to themselves, and the closer look is one.
    window.addEventListener('keydown', down, { capture: true });
    window.addEventListener('keyup', up, { capture: true });
    return () => {
      window.removeEventListener('keydown', down, { capture: true });
      window.removeEventListener('keyup', up, { capture: true });
    };
  }, []);
}

/** Whether the key belongs to the browser, to a text field, to an open menu, or presses a button. */
function hasOtherMeaning(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (
    target?.closest(
      'input, textarea, select, [contenteditable="true"], [role="menu"], [role="listbox"]',
    )
  )
    return true;
  const presses = event.code === 'Space' || event.code === 'Enter';
  return presses && target?.closest('button, a, [role="button"]') !== null;
}
