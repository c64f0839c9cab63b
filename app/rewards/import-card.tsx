'use client';

import { useState } from 'react';
import { Button } from '../components/ui/button';
import { Card, CardHeading } from '../components/ui/card';
import { Field, Input } from '../components/ui/field';
import { FormError } from '../components/ui/form-error';
import { useImportReward } from './queries';

/**
 * Brings in a model that others trained: a folder on the trainer's machine, opened and tried there.
 */
export function ImportCard({ pipeline }: { pipeline: string }) {
  const [folder, setFolder] = useState('');
  const bring = useImportReward(pipeline);
  return (
    <Card>
      <CardHeading title="Import a model">
        ONNX graphs with a manifest, <code>reward.json</code>: PickScore, HPSv2 and v2.1,
        ImageReward, LAION aesthetic, CLIPScore, or a graph of your own.
      </CardHeading>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          bring.mutate(folder, { onSuccess: () => setFolder('') });
        }}
      >
        <Field
          label="Folder"
          help="The whole path on the machine where the trainer runs."
          className="min-w-0 flex-1 basis-72"
        >
          <Input
            value={folder}
            placeholder="/models/pickscore"
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setFolder(event.target.value)}
          />
        </Field>
        <Button
          type="submit"
          className="sm:mb-5.5"
          disabled={!folder.trim()}
          busy={bring.isPending}
        >
          Import
        </Button>
      </form>
      <FormError error={bring.error} />
    </Card>
  );
}
