'use client';

import Link from 'next/link';
import type { GuidelinesText } from '../../api/label/schema';
import { Markdown } from '../../components/markdown/markdown';
import { buttonClass } from '../../components/ui/button-class';
import { Dialog } from '../../components/ui/dialog';

/** The guidelines in force, to be looked up at any time. */
export function GuidelinesDialog({
  guidelines,
  open,
  mayEdit,
  onClose,
}: {
  guidelines: GuidelinesText | null;
  open: boolean;
  mayEdit: boolean;
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
      {mayEdit ? (
        <Link href="/guidelines" className={buttonClass({ className: 'mt-4' })}>
          Write a new version
        </Link>
      ) : null}
    </Dialog>
  );
}
