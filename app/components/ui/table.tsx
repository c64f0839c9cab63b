import type { ComponentProps } from 'react';
import { cn } from './cn';
import { ScrollBox } from './scroll-box';

/** A table that scrolls inside its own box on a narrow screen. `label` names it. */
export function Table({ label, className, ...props }: ComponentProps<'table'> & { label: string }) {
  return (
    <ScrollBox label={label}>
      <table className={cn('w-full border-collapse text-sm', className)} {...props} />
    </ScrollBox>
  );
}

/** A heading of a column. */
export function HeadCell({ className, ...props }: ComponentProps<'th'>) {
  return (
    <th
      scope="col"
      className={cn(
        'h-9 border-b px-3 text-left font-medium text-muted-foreground text-xs whitespace-nowrap first:pl-0 last:pr-0',
        className,
      )}
      {...props}
    />
  );
}

/** A cell. Numbers stand right and in figures of one width: `numeric`. */
export function Cell({
  numeric = false,
  className,
  ...props
}: ComponentProps<'td'> & { numeric?: boolean }) {
  return (
    <td
      className={cn(
        'border-b px-3 py-2.5 align-middle first:pl-0 last:pr-0 [tr:last-child>&]:border-b-0',
        numeric && 'text-right tabular-nums',
        className,
      )}
      {...props}
    />
  );
}
