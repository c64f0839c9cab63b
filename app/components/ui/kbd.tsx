import type { ReactNode } from 'react';
import { cn } from './cn';

/** A key, printed the way it is printed on the keyboard. Screen readers get `aria-keyshortcuts`. */
export function Kbd({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <kbd
      aria-hidden
      className={cn(
        'inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-current/30 px-1 font-mono text-xs leading-none',
        className,
      )}
    >
      {children}
    </kbd>
  );
}
