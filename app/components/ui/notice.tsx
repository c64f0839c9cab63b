import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { cn } from './cn';

/**
 * What stands where content would be when there is none: nothing yet, an error, no permission.
 * Says what is so (`title`), why or what happens next (`children`), and what to do (`action`).
 */
export function Notice({
  icon: Icon,
  title,
  children,
  action,
  className,
}: {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
}) {
  return (
    <div
      className={cn(
        'mx-auto flex max-w-md flex-col items-center px-4 py-16 text-center',
        className,
      )}
    >
      <Icon aria-hidden className="size-8 text-muted-foreground" strokeWidth={1.5} />
      <h2 className="mt-4 font-semibold text-lg">{title}</h2>
      {children ? <div className="mt-2 text-muted-foreground text-sm">{children}</div> : null}
      {action ? <div className="mt-6 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  );
}
