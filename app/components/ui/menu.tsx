'use client';

import { Menu as BaseMenu } from '@base-ui/react/menu';
import type { ComponentProps, ReactElement, ReactNode } from 'react';
import { cn } from './cn';

const itemClass =
  'flex h-9 w-full items-center gap-2.5 rounded-sm px-2.5 text-sm select-none data-highlighted:bg-muted data-disabled:opacity-50 [&_svg]:size-4';

/** A menu under its trigger. `trigger` is the element to press, such as a Button. */
export function Menu({ trigger, children }: { trigger: ReactElement; children: ReactNode }) {
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger render={trigger} />
      <BaseMenu.Portal>
        <BaseMenu.Positioner sideOffset={6} align="end" className="z-50">
          <BaseMenu.Popup className="min-w-52 rounded-md border bg-card p-1 shadow-xl transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0">
            {children}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

/** One thing to do. */
export function MenuItem({
  className,
  ...props
}: ComponentProps<typeof BaseMenu.Item> & { className?: string }) {
  return <BaseMenu.Item className={cn(itemClass, className)} {...props} />;
}

/** One place to go; `render` takes the link element. */
export function MenuLink(props: ComponentProps<typeof BaseMenu.LinkItem>) {
  return <BaseMenu.LinkItem closeOnClick {...props} className={itemClass} />;
}

/** A line between groups of items. */
export function MenuSeparator() {
  return <BaseMenu.Separator className="my-1 h-px bg-border" />;
}
