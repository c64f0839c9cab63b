import type { ComponentProps } from 'react';
import { cn } from './cn';

/** A sheet of paper on the table. */
export function Card({ className, ...props }: ComponentProps<'section'>) {
  return <section className={cn('rounded-lg border bg-card p-5', className)} {...props} />;
}

/** A card's title with a line under it that says what the card is for. */
export function CardHeading({ title, children }: { title: string; children?: React.ReactNode }) {
  return (
    <header className="mb-4">
      <h2 className="font-semibold text-base">{title}</h2>
      {children ? <p className="mt-0.5 text-muted-foreground text-sm">{children}</p> : null}
    </header>
  );
}
