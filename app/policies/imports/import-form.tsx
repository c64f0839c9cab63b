'use client';

import { ChevronLeft, Folder, FolderCheck } from 'lucide-react';
import { useState } from 'react';
import {
  type BuiltIn,
  builtInPipelines,
  type MeasuredKind,
  nameOfFolder,
  pipelineNameProblem,
} from '@/lib/pipeline-imports';
import { sizesIn } from '@/lib/settings/image-sizes';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';
import { Field, Input } from '../../components/ui/field';
import { FormError } from '../../components/ui/form-error';
import { Select, type SelectOption } from '../../components/ui/select';
import { Skeleton } from '../../components/ui/skeleton';
import { useImportModel, useModelFolders } from './queries';

const measureOptions: readonly SelectOption<MeasuredKind>[] = [
  { value: 'all', label: 'Drawing and every method' },
  { value: 'drawing', label: 'Drawing alone' },
  { value: 'none', label: 'Nothing' },
];

/** Goes through the folders under the root; one that holds a pipeline can be chosen. */
export function ImportForm({ onAsked }: { onAsked: () => void }) {
  const [below, setBelow] = useState('');
  const [chosen, choose] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [measure, setMeasure] = useState<MeasuredKind>('all');
  const [size, setSize] = useState('');
  const bring = useImportModel();
  const sizes = sizesIn(size);
  const nameProblem = name.trim() === '' ? null : pipelineNameProblem(name.trim());

  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen === null || sizes === null) return;
        bring.mutate(
          { below: chosen, name: name.trim() || null, measure, sizes },
          { onSuccess: onAsked },
        );
      }}
    >
      <BuiltIns
        busy={bring.isPending}
        onAsk={(asked) => bring.mutate(asked, { onSuccess: onAsked })}
      />
      <Folders
        below={below}
        chosen={chosen}
        onOpen={(next) => {
          setBelow(next);
          choose(null);
        }}
        onChoose={choose}
      />
      <Field
        label="Name"
        help="Left empty: the name of its folder, or the one it is known by."
        error={nameProblem}
      >
        <Input
          value={name}
          placeholder={chosen === null ? '' : nameOfFolder(chosen)}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <div className="grid gap-4 sm:grid-cols-[5fr_4fr]">
        <Field
          label="Measure"
          help="What this machine needs for it: it takes minutes at full size."
        >
          <Select value={measure} onChange={setMeasure} options={measureOptions} />
        </Field>
        <Field
          label="Measure at"
          help="Sizes of images in pixels. Left empty: the model’s own."
          error={sizes === null ? 'Give pixels, as 512 or 768x512, with commas between.' : null}
        >
          <Input
            value={size}
            placeholder="512, 768x512"
            autoComplete="off"
            disabled={measure === 'none'}
            onChange={(event) => setSize(event.target.value)}
          />
        </Field>
      </div>
      <FormError error={bring.error} />
      <div className="flex justify-end">
        <Button
          type="submit"
          look="primary"
          disabled={chosen === null || sizes === null || nameProblem !== null}
          busy={bring.isPending}
        >
          Import
        </Button>
      </div>
    </form>
  );
}

/** Pipelines that need no folder: Darkroom makes them. */
function BuiltIns({
  busy,
  onAsk,
}: {
  busy: boolean;
  onAsk: (asked: { builtIn: BuiltIn }) => void;
}) {
  return (
    <ul aria-label="Built in" className="flex flex-col gap-2">
      {Object.entries(builtInPipelines).map(([name, explanation]) => (
        <li
          key={name}
          className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-md border px-3 py-2 text-sm"
        >
          <span className="min-w-0 flex-1 basis-52">
            <span className="font-medium">{name}</span>
            <span className="block text-muted-foreground text-xs">{explanation}</span>
          </span>
          <Button
            size="small"
            busy={busy}
            aria-label={`Add ${name}`}
            onClick={() => onAsk({ builtIn: name as BuiltIn })}
          >
            Add
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Folders({
  below,
  chosen,
  onOpen,
  onChoose,
}: {
  below: string;
  chosen: string | null;
  onOpen: (below: string) => void;
  onChoose: (below: string) => void;
}) {
  const { data, error, isPending } = useModelFolders(below);
  if (isPending) return <Skeleton className="h-48" />;
  if (error) return <FormError error={error} />;
  const { root, folders } = data;
  const inside = (name: string) => (below ? `${below}/${name}` : name);
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 font-medium text-sm">Folder</legend>
      <div className="flex items-center gap-2 rounded-t-md border border-b-0 bg-muted px-2 py-1.5 text-sm">
        {below ? (
          <Button
            look="quiet"
            size="icon"
            aria-label="Up"
            onClick={() => onOpen(below.split('/').slice(0, -1).join('/'))}
          >
            <ChevronLeft aria-hidden />
          </Button>
        ) : null}
        <span className="min-w-0 truncate py-1.5 font-mono text-xs" title={root}>
          {below ? `${root}/${below}` : root}
        </span>
      </div>
      <ul className="max-h-56 overflow-y-auto rounded-b-md border">
        {folders.map(({ name, isPipeline }) => (
          <li key={name}>
            <button
              type="button"
              aria-pressed={isPipeline ? chosen === inside(name) : undefined}
              onClick={() => (isPipeline ? onChoose(inside(name)) : onOpen(inside(name)))}
              className={cn(
                'flex w-full items-center gap-2.5 px-3 py-2 text-left text-sm hover:bg-muted',
                chosen === inside(name) && 'bg-primary/8 text-primary hover:bg-primary/8',
              )}
            >
              {isPipeline ? (
                <FolderCheck aria-hidden className="size-4 shrink-0" />
              ) : (
                <Folder aria-hidden className="size-4 shrink-0 text-muted-foreground" />
              )}
              <span className="min-w-0 flex-1 truncate">{name}</span>
              <span className="text-muted-foreground text-xs">
                {isPipeline ? 'Model' : 'Folder'}
              </span>
            </button>
          </li>
        ))}
        {folders.length === 0 ? (
          <li className="px-3 py-6 text-center text-muted-foreground text-sm">
            No folders here. A model is a folder with a <code>model_index.json</code>.
          </li>
        ) : null}
      </ul>
    </fieldset>
  );
}
