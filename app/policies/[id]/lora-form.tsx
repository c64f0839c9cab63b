'use client';

import { useRouter } from 'next/navigation';
import { useRef, useState } from 'react';
import { bytesText } from '@/lib/pipeline-imports';
import type { PolicyDetail } from '../../api/policies/schema';
import { Button } from '../../components/ui/button';
import { Field, Input } from '../../components/ui/field';
import { FormError } from '../../components/ui/form-error';
import { Progress } from '../../components/ui/progress';
import { Select } from '../../components/ui/select';
import { Skeleton } from '../../components/ui/skeleton';
import { Switch } from '../../components/ui/switch';
import { useImportLora, useLoraFiles } from '../imports/queries';

/** Which file, of this computer or under the root, and what the policy is called. */
export function LoraForm({ base }: { base: PolicyDetail['policy'] }) {
  const router = useRouter();
  const { data, error } = useLoraFiles(base.id);
  const [file, setFile] = useState<string | File>('');
  const [name, setName] = useState('');
  const [withoutText, setWithoutText] = useState(false);
  const [sent, setSent] = useState(0);
  const bring = useImportLora(base.id, setSent);
  if (error) return <FormError error={error} />;
  if (!data) return <Skeleton className="h-40" />;
  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        bring.mutate(
          { file, name: name.trim() || null, withoutText },
          // There it can be followed.
          {
            onSuccess: () => router.push(`/policies?pipeline=${encodeURIComponent(base.pipeline)}`),
          },
        );
      }}
    >
      <OwnFile file={typeof file === 'string' ? null : file} onChoose={setFile} />
      {data.root !== null && data.files.length > 0 ? (
        <Field
          label="Or a file on the trainer’s machine"
          help={<span className="break-all">Under {data.root}.</span>}
        >
          <Select
            value={typeof file === 'string' ? file : ''}
            onChange={setFile}
            options={[
              { value: '', label: 'Choose a file' },
              ...data.files.map((one) => ({ value: one, label: one })),
            ]}
          />
        </Field>
      ) : null}
      <Field label="Name" help="Of the policy. Left empty: the name of the file.">
        <Input
          value={name}
          maxLength={120}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <Switch
        label="Leave out text encoders"
        help="A LoRA that changes them, too, is refused else: Darkroom adapts the denoiser alone."
        checked={withoutText}
        onChange={setWithoutText}
      />
      {bring.isPending && typeof file !== 'string' ? (
        <div>
          <p className="mb-1.5 text-muted-foreground text-sm tabular-nums">
            {bytesText(sent)} of {bytesText(file.size)} sent
          </p>
          <Progress label="Sending the file" value={sent} max={file.size} />
        </div>
      ) : null}
      <FormError error={bring.error} />
      <div className="flex justify-end">
        <Button type="submit" look="primary" disabled={file === ''} busy={bring.isPending}>
          Take it up
        </Button>
      </div>
    </form>
  );
}

/** A file of the computer that the browser runs on. */
function OwnFile({ file, onChoose }: { file: File | null; onChoose: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="flex flex-col gap-1.5">
      <span className="font-medium text-sm" id="own-file">
        File on this computer
      </span>
      <div className="flex items-center gap-3">
        <Button aria-describedby="own-file" onClick={() => input.current?.click()}>
          {file ? 'Choose another' : 'Choose a file'}
        </Button>
        {file ? (
          <span role="status" className="min-w-0 truncate text-sm" title={file.name}>
            {file.name}, {bytesText(file.size)}
          </span>
        ) : null}
      </div>
      <span className="text-muted-foreground text-xs">
        A LoRA in safetensors. It is sent to the trainer’s machine.
      </span>
      <input
        ref={input}
        type="file"
        hidden
        accept=".safetensors"
        onChange={(event) => {
          const [chosen] = event.target.files ?? [];
          // The same file may be chosen again once it was corrected.
          event.target.value = '';
          if (chosen) onChoose(chosen);
        }}
      />
    </div>
  );
}
