'use client';

import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useEffect, useRef } from 'react';
import {
  type ImportState,
  importStages,
  isBeingImported,
  loraStages,
} from '@/lib/pipeline-imports';
import type { ImportsView, ShownImport } from '../../api/policies/imports/schema';
import { Badge } from '../../components/ui/badge';
import { Button } from '../../components/ui/button';
import { buttonClass } from '../../components/ui/button-class';
import { Card, CardHeading } from '../../components/ui/card';
import { Moment } from '../../components/ui/moment';
import { Progress } from '../../components/ui/progress';
import { useImportAction, useImports } from './queries';

const badges: Record<
  ImportState,
  { text: string; tone: 'neutral' | 'active' | 'positive' | 'negative' }
> = {
  queued: { text: 'Waits for a trainer', tone: 'neutral' },
  running: { text: 'Under way', tone: 'active' },
  ready: { text: 'Imported', tone: 'positive' },
  failed: { text: 'Refused', tone: 'negative' },
  cancelled: { text: 'Cancelled', tone: 'neutral' },
};

/** Models on their way in, stage by stage, and what became of the last ones. */
export function ImportsCard({ initial, mayImport }: { initial: ImportsView; mayImport: boolean }) {
  const { imports } = useImports(initial);
  const router = useRouter();
  const ready = imports.filter(({ state }) => state === 'ready').length;
  const shown = useRef(ready);
  // What has come in stands among the pipelines at once.
  useEffect(() => {
    if (ready !== shown.current) router.refresh();
    shown.current = ready;
  }, [ready, router]);
  if (imports.length === 0) return null;
  return (
    <Card>
      <CardHeading title="Imports">
        Models and LoRA files that are being brought in, or were today.
      </CardHeading>
      <ul className="divide-y">
        {imports.map((one) => (
          <li key={one.id} className="py-4 first:pt-0 last:pb-0">
            <ImportRow one={one} mayImport={mayImport} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function ImportRow({ one, mayImport }: { one: ShownImport; mayImport: boolean }) {
  const { text, tone } = badges[one.state];
  const act = useImportAction();
  const action = isBeingImported(one.state) ? 'cancel' : one.state === 'ready' ? null : 'retry';
  const label = one.name;
  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-60">
          <p className="flex flex-wrap items-center gap-2">
            {one.policy ? (
              <Link
                href={`/policies/${one.policy.id}`}
                className="font-medium underline underline-offset-2"
              >
                {label}
              </Link>
            ) : (
              <span className="font-medium">{label}</span>
            )}
            <Badge tone={tone}>{text}</Badge>
            {one.loraOf ? (
              <span className="text-muted-foreground text-sm">LoRA for {one.loraOf}</span>
            ) : null}
          </p>
          <p className="mt-0.5 break-all font-mono text-muted-foreground text-xs">{one.folder}</p>
          <p className="mt-0.5 text-muted-foreground text-xs">
            {one.createdBy ? `Asked for by ${one.createdBy}` : 'Asked for at the machine'},{' '}
            <Moment ms={one.createdAt} />
          </p>
        </div>
        {mayImport && action ? (
          <Button
            size="small"
            busy={act.isPending}
            aria-label={`${action === 'cancel' ? 'Cancel' : 'Try again'}: ${label}`}
            onClick={() => act.mutate({ id: one.id, action })}
          >
            {action === 'cancel' ? 'Cancel' : 'Try again'}
          </Button>
        ) : null}
        {mayImport && one.policy ? (
          <Link
            href={`/rounds/new?${new URLSearchParams({ pipeline: one.policy.pipeline, start: one.policy.id })}`}
            className={buttonClass({ size: 'small' })}
          >
            Start a run
          </Link>
        ) : null}
      </div>
      {one.error && one.state === 'failed' ? (
        <p className="mt-2 max-w-3xl break-words text-sm">{one.error}</p>
      ) : null}
      {isBeingImported(one.state) && one.progress ? <Stages progress={one.progress} /> : null}
    </>
  );
}

function Stages({ progress }: { progress: NonNullable<ShownImport['progress']> }) {
  const { stage, done, total } = progress;
  const stages = Object.entries(stage in importStages ? importStages : loraStages);
  const place = stages.findIndex(([name]) => name === stage);
  const { label, unit } = stages[place]![1];
  return (
    <div className="mt-3 max-w-xl">
      <p className="mb-1.5 flex flex-wrap justify-between gap-x-4 text-sm">
        <span>
          {label}{' '}
          <span className="text-muted-foreground">
            (step {place + 1} of {stages.length})
          </span>
        </span>
        <span className="text-muted-foreground tabular-nums">
          {done} of {total} {unit}
        </span>
      </p>
      <Progress label={label} value={place + (total > 0 ? done / total : 0)} max={stages.length} />
    </div>
  );
}
