'use client';

import type { PolicyRef } from '../api/rounds/schema';
import { Button } from '../components/ui/button';
import { Dialog } from '../components/ui/dialog';
import { useServe } from './queries';

/** Asks before another policy is served, and says what that means. */
export function ServeDialog({
  policy,
  serving,
  onClose,
}: {
  /** The policy to be served; null: nothing is asked. */
  policy: PolicyRef | null;
  serving: PolicyRef | null;
  onClose: () => void;
}) {
  const serve = useServe();
  return (
    <Dialog
      open={policy !== null}
      onOpenChange={(open) => open || onClose()}
      title={`Serve ${policy?.name ?? ''}?`}
    >
      <p className="text-sm">
        The next round starts from {policy?.name}
        {serving ? ` instead of ${serving.name}` : ''}. A round under way ends with the policy it
        began with. Nothing is deleted; you can go back at any time.
      </p>
      <div className="mt-6 flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button
          look="primary"
          busy={serve.isPending}
          onClick={() => policy && serve.mutate(policy, { onSettled: onClose })}
        >
          Serve it
        </Button>
      </div>
    </Dialog>
  );
}
