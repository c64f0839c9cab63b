'use client';

import { CloudUpload } from 'lucide-react';
import { Badge } from '../../components/ui/badge';
import { useOutbox } from '../answers/use-outbox';

/**
 * How many picks the server does not have yet, and why, and whether the page must stay open for
 * them; nothing when it has them all.
 */
export function UnsentBadge({ owner }: { owner: string }) {
  const { view } = useOutbox(owner);
  return (
    <span role="status" data-unsent={view.unsent}>
      {view.unsent > 0 && view.trouble ? (
        <Badge tone="active" title={view.trouble.message}>
          <CloudUpload aria-hidden />
          {view.unsent} unsent{view.unkept > 0 ? ', keep this page open' : ''}
          <span className="sr-only">: {view.trouble.message}</span>
        </Badge>
      ) : null}
    </span>
  );
}
