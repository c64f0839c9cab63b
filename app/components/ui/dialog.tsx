'use client';

import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { buttonClass } from './button-class';
import { cn } from './cn';

/**
 * A dialog in the middle of the page, a sheet from below on a phone.
 * It is driven from outside (`open`, `onOpenChange`); without `onOpenChange` it must be answered.
 */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  wide = false,
}: {
  open: boolean;
  onOpenChange?: (open: boolean) => void;
  title: string;
  description?: string;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <BaseDialog.Root
      open={open}
      onOpenChange={onOpenChange}
      disablePointerDismissal={!onOpenChange}
    >
      <BaseDialog.Portal>
        <BaseDialog.Backdrop
          data-veil="paper"
          className="fixed inset-0 z-40 bg-black/60 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0"
        />
        <BaseDialog.Popup
          className={cn(
            'fixed inset-x-0 bottom-0 z-50 flex max-h-[92dvh] flex-col rounded-t-lg border bg-card shadow-2xl',
            'sm:inset-x-auto sm:top-1/2 sm:bottom-auto sm:left-1/2 sm:w-[calc(100vw-3rem)] sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-lg',
            'transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0',
            wide ? 'sm:max-w-3xl' : 'sm:max-w-lg',
          )}
        >
          <div className="flex items-start gap-4 border-b px-5 py-4">
            <div className="min-w-0 flex-1">
              <BaseDialog.Title className="font-semibold text-lg">{title}</BaseDialog.Title>
              {description ? (
                <BaseDialog.Description className="mt-1 text-muted-foreground text-sm">
                  {description}
                </BaseDialog.Description>
              ) : null}
            </div>
            {onOpenChange ? (
              <BaseDialog.Close
                aria-label="Close"
                className={buttonClass({ look: 'quiet', size: 'icon', className: '-mr-2' })}
              >
                <X aria-hidden />
              </BaseDialog.Close>
            ) : null}
          </div>
          <div className="overflow-y-auto px-5 py-4">{children}</div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}
