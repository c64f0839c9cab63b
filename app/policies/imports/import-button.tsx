'use client';

import { PackagePlus } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { ImportForm } from './import-form';

/** Opens the dialog in which a model is chosen. */
export function ImportButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <PackagePlus aria-hidden /> Import a model
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title="Import a model"
        description="A diffusion pipeline in ONNX, as Optimum exports it. The trainer reads, tries and measures it; nothing is copied."
      >
        <ImportForm onAsked={() => setOpen(false)} />
      </Dialog>
    </>
  );
}
