'use client';

import { Check, Copy } from 'lucide-react';
import { useRef, useState } from 'react';
import { Button } from '../components/ui/button';
import { Dialog } from '../components/ui/dialog';
import { Field, Input } from '../components/ui/field';

/** A fresh one-time link, to be copied now: it cannot be shown again. */
export function LinkDialog({
  path,
  title,
  onClose,
}: {
  path: string | null;
  title: string;
  onClose: () => void;
}) {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  async function copy() {
    field.current?.select();
    // Without HTTPS browsers have no clipboard for pages; then the selected text is there to be
    // copied.
    await navigator.clipboard?.writeText(field.current?.value ?? '');
    setCopied(navigator.clipboard !== undefined);
  }

  return (
    <Dialog
      open={path !== null}
      onOpenChange={(open) => {
        if (open) return;
        setCopied(false);
        onClose();
      }}
      title={title}
      description="It works once and for seven days. It is shown only now."
    >
      <div className="flex flex-col gap-4">
        <Field label="One-time link">
          <Input
            ref={field}
            readOnly
            value={path === null ? '' : `${window.location.origin}${path}`}
            className="font-mono"
          />
        </Field>
        <Button look="primary" onClick={copy}>
          {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
          {copied ? 'Copied' : 'Copy'}
        </Button>
      </div>
    </Dialog>
  );
}
