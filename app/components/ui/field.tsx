'use client';

import { Field as BaseField } from '@base-ui/react/field';
import type { ComponentProps, ReactNode } from 'react';
import { cn } from './cn';

export const inputClass =
  'h-10 w-full rounded-md border bg-background px-3 text-base placeholder:text-muted-foreground disabled:opacity-50 sm:text-sm';

/**
 * A labelled control with help and error texts tied to it for screen readers.
 * An `error` given from outside (the server's) is shown like the browser's own.
 */
export function Field({
  label,
  help,
  error,
  children,
  className,
}: {
  label: string;
  help?: ReactNode;
  error?: string | null;
  children: ReactNode;
  className?: string;
}) {
  return (
    <BaseField.Root
      invalid={error ? true : undefined}
      className={cn('flex flex-col gap-1.5', className)}
    >
      <BaseField.Label className="font-medium text-sm">{label}</BaseField.Label>
      {children}
      {help ? (
        <BaseField.Description className="text-muted-foreground text-xs">
          {help}
        </BaseField.Description>
      ) : null}
      <BaseField.Error className="text-destructive text-sm" match={error ? true : undefined}>
        {error ?? undefined}
      </BaseField.Error>
    </BaseField.Root>
  );
}

/** A one-line text input; stands inside a Field. */
export function Input({ className, ...props }: ComponentProps<'input'>) {
  return <BaseField.Control className={cn(inputClass, className)} {...props} />;
}
