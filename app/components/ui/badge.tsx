import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';
import { cn } from './cn';

const variants = cva(
  'inline-flex h-6 items-center gap-1.5 rounded-sm px-2 text-xs font-medium whitespace-nowrap [&_svg]:size-3.5',
  {
    variants: {
      tone: {
        neutral: 'bg-muted text-foreground',
        active: 'bg-primary/8 text-primary',
        positive: 'bg-positive/15 text-positive',
        negative: 'bg-destructive/15 text-destructive',
      },
    },
    defaultVariants: { tone: 'neutral' },
  },
);

/** A word about the state of a thing. */
export function Badge({
  tone,
  className,
  ...props
}: ComponentProps<'span'> & VariantProps<typeof variants>) {
  return <span className={cn(variants({ tone }), className)} {...props} />;
}
