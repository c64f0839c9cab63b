'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { PolicyDetail } from '../../api/policies/schema';
import { Button } from '../../components/ui/button';
import { Field, Input } from '../../components/ui/field';
import { FormError } from '../../components/ui/form-error';
import { Select } from '../../components/ui/select';
import { Skeleton } from '../../components/ui/skeleton';
import { Switch } from '../../components/ui/switch';
import { useImportLora, useLoraFiles } from '../imports/queries';

/** Which file under the root, and what the policy is called. */
export function LoraForm({ base }: { base: PolicyDetail['policy'] }) {
  const router = useRouter();
  const { data, error } = useLoraFiles(base.id);
  const [file, setFile] = useState('');
  const [name, setName] = useState('');
  const [withoutText, setWithoutText] = useState(false);
  const bring = useImportLora(base.id);
  if (error) return <FormError error={error} />;
  if (!data) return <Skeleton className="h-40" />;
  if (data.files.length === 0) {
    return (
      <p className="text-sm">
        There is no safetensors file under <span className="break-all font-mono">{data.root}</span>{' '}
        on the trainer’s machine. Put the LoRA there, then open this again.
      </p>
    );
  }
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
      <Field label="File" help={`Under ${data.root} on the trainer’s machine.`}>
        <Select
          value={file}
          onChange={setFile}
          options={[
            { value: '', label: 'Choose a file' },
            ...data.files.map((one) => ({ value: one, label: one })),
          ]}
        />
      </Field>
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
      <FormError error={bring.error} />
      <div className="flex justify-end">
        <Button type="submit" look="primary" disabled={file === ''} busy={bring.isPending}>
          Take it up
        </Button>
      </div>
    </form>
  );
}
