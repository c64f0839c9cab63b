import type { ReactNode } from 'react';
import { cn } from './cn';

/**
 * A box that what is too wide for the page scrolls in, by keyboard too; a shadow at an edge says
 * that there is more. `label` names it.
 */
export function ScrollBox({
  label,
  className,
  children,
}: {
  label: string;
  className?: string;
  children: ReactNode;
}) {
  const box = cn('relative overflow-x-auto more-beyond', className);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className={box}>
      {children}
    </section>
  );
}
