import { cva, type VariantProps } from 'class-variance-authority';
import { cn } from './cn';

const variants = cva(
  [
    'inline-flex items-center justify-center gap-2 rounded-md border border-transparent font-medium whitespace-nowrap select-none',
    'transition-colors duration-100 disabled:opacity-50 aria-busy:cursor-progress',
    '[&_svg]:size-4 [&_svg]:shrink-0',
  ],
  {
    variants: {
      look: {
        primary: 'bg-primary text-primary-foreground hover:bg-primary/90 active:bg-primary/80',
        outline: 'border-border bg-card text-foreground hover:bg-muted active:bg-muted/70',
        quiet: 'text-muted-foreground hover:bg-muted hover:text-foreground',
        danger: 'border-destructive/40 bg-card text-destructive hover:bg-destructive/10',
      },
      size: {
        small: 'h-8 px-3 text-sm',
        medium: 'h-10 px-4 text-sm',
        large: 'h-12 px-6 text-base',
        icon: 'size-9 text-sm',
      },
    },
    defaultVariants: { look: 'outline', size: 'medium' },
  },
);

export type ButtonLook = VariantProps<typeof variants>;

/** The look of a button for an element that is not one, such as a link that leads on. */
export function buttonClass({
  look,
  size,
  className,
}: ButtonLook & { className?: string } = {}): string {
  return cn(variants({ look, size }), className);
}
