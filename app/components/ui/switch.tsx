'use client';

import { Switch as BaseSwitch } from '@base-ui/react/switch';
import { type ReactNode, useId } from 'react';

/** On or off, with its name and, under it, what it changes. The whole row is the target. */
export function Switch({
  label,
  help,
  checked,
  onChange,
  disabled,
}: {
  label: string;
  help?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <div className="flex min-h-11 items-center justify-between gap-4">
      <label htmlFor={id} className="min-w-0 flex-1 text-sm">
        <span className="font-medium">{label}</span>
        {help ? <span className="block text-muted-foreground">{help}</span> : null}
      </label>
      <BaseSwitch.Root
        id={id}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
        className="relative h-6 w-10 shrink-0 rounded-full bg-muted-foreground/70 p-0.5 transition-colors data-checked:bg-primary data-disabled:opacity-50"
      >
        <BaseSwitch.Thumb className="block size-5 rounded-full bg-card transition-transform data-checked:translate-x-4" />
      </BaseSwitch.Root>
    </div>
  );
}
