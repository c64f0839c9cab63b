'use client';

import { Button as BaseButton } from '@base-ui/react/button';
import type { ComponentProps } from 'react';
import { type ButtonLook, buttonClass } from './button-class';

/** A button. `busy` keeps its width and focus, announces itself, and takes no second click. */
export function Button({
  look,
  size,
  busy = false,
  className,
  children,
  ...props
}: Omit<ComponentProps<'button'>, 'className'> &
  ButtonLook & { busy?: boolean; className?: string }) {
  return (
    <BaseButton
      type="button"
      className={buttonClass({ look, size, className })}
      aria-busy={busy || undefined}
      focusableWhenDisabled={busy}
      {...props}
      disabled={props.disabled || busy}
    >
      {children}
    </BaseButton>
  );
}
