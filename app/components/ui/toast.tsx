'use client';

import { Toast as BaseToast } from '@base-ui/react/toast';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { buttonClass } from './button-class';

/** Where messages appear that need no answer. Use `useToast` below it. */
export function ToastArea({ children }: { children: ReactNode }) {
  return (
    <BaseToast.Provider timeout={6000}>
      {children}
      <BaseToast.Portal>
        <BaseToast.Viewport className="fixed inset-x-4 bottom-4 z-60 flex flex-col gap-2 sm:right-4 sm:left-auto sm:w-90">
          <ToastList />
        </BaseToast.Viewport>
      </BaseToast.Portal>
    </BaseToast.Provider>
  );
}

function ToastList() {
  const { toasts } = BaseToast.useToastManager();
  return toasts.map((toast) => (
    <BaseToast.Root
      key={toast.id}
      toast={toast}
      className="rounded-md border bg-card shadow-xl transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0 data-[type=error]:border-destructive/60"
    >
      <BaseToast.Content className="flex items-start gap-3 py-3 pr-2 pl-4">
        <div className="min-w-0 flex-1 py-1.5 text-sm">
          <BaseToast.Title className="font-medium" />
          <BaseToast.Description className="text-muted-foreground" />
        </div>
        <BaseToast.Close
          aria-label="Dismiss"
          className={buttonClass({ look: 'quiet', size: 'icon' })}
        >
          <X aria-hidden />
        </BaseToast.Close>
      </BaseToast.Content>
    </BaseToast.Root>
  ));
}

/**
 * Shows a message at the edge of the page: `say` for what went well, `complain` for what did not.
 */
export function useToast(): {
  say: (title: string) => void;
  complain: (title: string, why?: string) => void;
} {
  const manager = BaseToast.useToastManager();
  return {
    say: (title) => void manager.add({ title }),
    complain: (title, why) =>
      void manager.add({
        title,
        description: why,
        type: 'error',
        priority: 'high',
        timeout: 12_000,
      }),
  };
}
