'use client';

import { useEffect, useState } from 'react';
import { Button } from '../components/ui/button';
import { cn } from '../components/ui/cn';
import { Dialog } from '../components/ui/dialog';
import { Kbd } from '../components/ui/kbd';
import { Switch } from '../components/ui/switch';
import {
  type Bindings,
  defaultBindings,
  keyLabel,
  rebind,
  type ShortcutName,
  shortcutLabel,
  shortcutNames,
} from './shortcuts';

/** All keys, to be changed or switched off (WCAG 2.1.4). They are kept in this browser. */
export function ShortcutsDialog({
  open,
  bindings,
  onChange,
  onClose,
}: {
  open: boolean;
  bindings: Bindings;
  onChange: (bindings: Bindings) => void;
  onClose: () => void;
}) {
  const [listening, setListening] = useState<ShortcutName | null>(null);

  useEffect(() => {
    if (listening === null) return;
    const take = (event: KeyboardEvent) => {
      event.preventDefault();
      event.stopPropagation();
      setListening(null);
      if (!reserved.has(event.code)) onChange(rebind(bindings, listening, event.code));
    };
    // In the capturing phase, so that the dialog does not close on the key that is being chosen.
    window.addEventListener('keydown', take, { capture: true });
    return () => window.removeEventListener('keydown', take, { capture: true });
  }, [listening, bindings, onChange]);

  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setListening(null);
        if (!next) onClose();
      }}
      title="Keys"
      description="One key for each deed. They are remembered in this browser."
    >
      <Switch
        label="Use single keys"
        help="Off: only the buttons act."
        checked={bindings.on}
        onChange={(on) => onChange({ ...bindings, on })}
      />
      <ul className={cn('mt-3 divide-y border-y', !bindings.on && 'opacity-60')}>
        {shortcutNames.map((name) => (
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
      <Button className="mt-4" onClick={() => onChange(defaultBindings)}>
        Back to the usual keys
      </Button>
    </Dialog>
  );
}

/** Keys without which the page could not be operated by keyboard. */
const reserved = new Set(['Escape', 'Tab', 'Enter', 'Space']);

function keysInWords(bindings: Bindings, name: ShortcutName): string {
  return bindings.keys[name].map(keyLabel).join(' or ') || 'none';
}
