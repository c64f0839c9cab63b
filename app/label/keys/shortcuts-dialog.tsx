'use client';

import { useEffect, useState } from 'react';
import { keyLabel, pressedKey } from '../../components/keyboard/pressed-key';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';
import { Dialog } from '../../components/ui/dialog';
import { Kbd } from '../../components/ui/kbd';
import { Switch } from '../../components/ui/switch';
import {
  type Bindings,
  defaultBindings,
  rebind,
  type ShortcutName,
  type Subject,
  shortcutLabel,
  shortcutSections,
} from './shortcuts';

/**
 * All keys, to be changed or switched off (WCAG 2.1.4). They are kept in this browser, if it keeps
 * anything.
 */
export function ShortcutsDialog({
  open,
  bindings,
  kept,
  subject,
  onChange,
  onClose,
}: {
  open: boolean;
  bindings: Bindings;
  /** False once the browser has refused to store them. */
  kept: boolean;
  /** What is on screen: its keys come first. */
  subject: Subject;
  onChange: (bindings: Bindings) => void;
  onClose: () => void;
}) {
  const [listening, setListening] = useState<ShortcutName | null>(null);

  useEffect(() => {
    if (listening === null) return;
    const take = (event: KeyboardEvent) => {
      event.preventDefault();
      event.stopPropagation();
      const key = pressedKey(event);
      // A dead key has no name, and on its way to a character Shift goes down first: the next one
      // is meant.
      if (key === null || modifiers.has(key)) return;
      setListening(null);
      if (!reserved.has(key)) onChange(rebind(bindings, listening, key));
    };
    // In the capturing phase, so that the dialog does not close on the key that is being chosen.
    window.addEventListener('keydown', take, { capture: true });
    return () => window.removeEventListener('keydown', take, { capture: true });
  }, [listening, bindings, onChange]);

  const sections = shortcutSections.toSorted((a, b) => order(a, subject) - order(b, subject));
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setListening(null);
        if (!next) onClose();
      }}
      title="Keys"
      description={
        kept
          ? 'One key for each action. They are remembered in this browser.'
          : 'One key for each action. This browser refuses to remember them: they last until this page is left.'
      }
    >
      <Switch
        label="Use single keys"
        help="Off: only the buttons act."
        checked={bindings.on}
        onChange={(on) => onChange({ ...bindings, on })}
      />
      {sections.map(({ title, names }) => (
        <section key={title} className="mt-4">
          <h3 className="font-semibold text-sm">{title}</h3>
          <ul className={cn('mt-1 divide-y border-y', !bindings.on && 'opacity-60')}>
            {names.map((name) => (
              <li key={name} className="flex min-h-11 items-center justify-between gap-3 text-sm">
                <span>{shortcutLabel(name)}</span>
                <Button
                  look={listening === name ? 'primary' : 'quiet'}
                  size="small"
                  disabled={!bindings.on}
                  aria-label={`Change the key for: ${shortcutLabel(name)}. Now ${keysInWords(bindings, name)}`}
                  onClick={() => setListening(name)}
                >
                  {listening === name
                    ? 'Press a key'
                    : bindings.keys[name].map((key) => <Kbd key={key}>{keyLabel(key)}</Kbd>)}
                  {listening !== name && bindings.keys[name].length === 0 ? 'None' : null}
                </Button>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <Button className="mt-4" onClick={() => onChange(defaultBindings)}>
        Back to the usual keys
      </Button>
    </Dialog>
  );
}

/** What is on screen comes first, what is for both second. */
function order({ subjects }: { subjects: readonly Subject[] }, subject: Subject): number {
  if (subjects.length > 1) return 1;
  return subjects.includes(subject) ? 0 : 2;
}

/** Keys without which the page could not be operated by keyboard. */
const reserved = new Set(['Escape', 'Tab', 'Enter', 'Space', 'NumpadEnter']);

const modifiers = new Set(['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock', 'Fn']);

function keysInWords(bindings: Bindings, name: ShortcutName): string {
  return bindings.keys[name].map(keyLabel).join(' or ') || 'none';
}
