import type { ReactNode } from 'react';
import { Card } from '../ui/card';

/** A page that is one short form: a sheet in the middle of the table. */
export function NarrowPage({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="mx-auto flex w-full max-w-md flex-1 flex-col justify-center px-4 py-10">
      <Card className="p-6 sm:p-8">
        <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
        {lead ? <p className="mt-2 text-muted-foreground text-sm">{lead}</p> : null}
        <div className="mt-6">{children}</div>
      </Card>
    </div>
  );
}
