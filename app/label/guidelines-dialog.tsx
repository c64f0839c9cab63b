'use client';

import type { GuidelinesText } from '../api/label/schema';
import { Markdown } from '../components/markdown/markdown';
import { Dialog } from '../components/ui/dialog';

/** The guidelines in force, to be looked up at any time. */
export function GuidelinesDialog({
  guidelines,
  open,
  onClose,
}: {
  guidelines: GuidelinesText | null;
  open: boolean;
  onClose: () => void;
}) {
  if (!guidelines) return null;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => next || onClose()}
      title="Guidelines"
      description={`Version ${guidelines.version}`}
      wide
    >
      <Markdown>{guidelines.markdown}</Markdown>
    </Dialog>
  );
}
