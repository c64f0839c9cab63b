'use client';

import { Select as BaseSelect } from '@base-ui/react/select';
import { Check, ChevronsUpDown } from 'lucide-react';
import { cn } from './cn';
import { inputClass } from './field';

export type SelectOption<Value extends string> = { value: Value; label: string; hint?: string };

/**
 * One of a few. Give `label` where no Field around it names it. `placeholder` stands there while
 * the value is none of them.
 */
export function Select<Value extends string>({
  value,
  onChange,
  options,
  label,
  placeholder,
  disabled,
  className,
}: {
  value: Value;
  onChange: (value: Value) => void;
  options: readonly SelectOption<Value>[];
  label?: string;
  placeholder?: string;
  disabled?: boolean;
  className?: string;
}) {
  return (
    <BaseSelect.Root
      items={options}
      value={options.some((option) => option.value === value) ? value : null}
      onValueChange={(next) => next !== null && onChange(next)}
      disabled={disabled}
    >
      <BaseSelect.Trigger
        aria-label={label}
        className={cn(inputClass, 'flex items-center justify-between gap-2 text-left', className)}
      >
        <BaseSelect.Value placeholder={placeholder} />
        <ChevronsUpDown aria-hidden className="size-4 text-muted-foreground" />
      </BaseSelect.Trigger>
      <BaseSelect.Portal>
        <BaseSelect.Positioner sideOffset={4} alignItemWithTrigger={false} className="z-50">
          <BaseSelect.Popup className="max-h-96 min-w-(--anchor-width) max-w-[min(28rem,var(--available-width))] overflow-y-auto rounded-md border bg-card p-1 shadow-xl">
            {options.map((option) => (
              <BaseSelect.Item
                key={option.value}
                value={option.value}
                className="grid min-h-9 grid-cols-[1rem_1fr] items-center gap-2 rounded-sm px-2 py-1.5 text-sm select-none data-highlighted:bg-muted"
              >
                <BaseSelect.ItemIndicator>
                  <Check aria-hidden className="size-4" />
                </BaseSelect.ItemIndicator>
                <BaseSelect.ItemText className="col-start-2">{option.label}</BaseSelect.ItemText>
                {option.hint ? (
                  <span className="col-start-2 text-muted-foreground text-xs">{option.hint}</span>
                ) : null}
              </BaseSelect.Item>
            ))}
          </BaseSelect.Popup>
        </BaseSelect.Positioner>
      </BaseSelect.Portal>
    </BaseSelect.Root>
  );
}
