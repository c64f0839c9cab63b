import type { ReactNode } from 'react';

/** A page with a title, what it is for, and its main action on the right. */
export function Page({
  title,
  lead,
  action,
  children,
}: {
  title: string;
  lead?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="mx-auto w-full max-w-page px-4 py-6 sm:px-6 sm:py-8">
      <div className="mb-6 flex flex-wrap items-end justify-between gap-4">
        <div className="min-w-0">
          <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
          {lead ? <p className="mt-1 max-w-2xl text-muted-foreground text-sm">{lead}</p> : null}
        </div>
        {action}
      </div>
      {children}
    </div>
  );
}
