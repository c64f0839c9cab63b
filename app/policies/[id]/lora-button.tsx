'use client';

import { FilePlus } from 'lucide-react';
import { useState } from 'react';
import type { PolicyDetail } from '../../api/policies/schema';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { LoraForm } from './lora-form';

/** Opens the dialog in which a LoRA file for a base policy is chosen. */
export function LoraButton({ base }: { base: PolicyDetail['policy'] }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <FilePlus aria-hidden /> Start from a LoRA file
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title="Start from a LoRA file"
        description={`A LoRA for ${base.name} that any program made becomes a policy, and runs may start from it. What it does to images stays as it is.`}
      >
        <LoraForm base={base} />
      </Dialog>
    </>
  );
}
