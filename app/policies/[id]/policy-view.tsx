'use client';

import { FileJson } from 'lucide-react';
import Link from 'next/link';
import { Fragment, useState } from 'react';
import type { PolicyDetail } from '../../api/policies/schema';
import { HackingNotice } from '../../components/evaluation/hacking-notice';
import { OutcomeCard } from '../../components/evaluation/outcome-card';
import { plural } from '../../components/figures/format';
import { FrameSheet } from '../../components/film/frame-sheet';
import { DefectMarks, Picture } from '../../components/film/picture';
import { Page } from '../../components/shell/page-frame';
import { Badge } from '../../components/ui/badge';
import { Button } from '../../components/ui/button';
import { buttonClass } from '../../components/ui/button-class';
import { Card, CardHeading } from '../../components/ui/card';
import { Moment } from '../../components/ui/moment';
import { ScrollBox } from '../../components/ui/scroll-box';
import { useLivePolicies, usePolicy } from '../queries';
import { ServeDialog } from '../serve-dialog';
import { Downloads } from './downloads';
import { FoundCard } from './found-card';
import { LoraButton } from './lora-button';

/** One version: where it comes from, what was measured, its images, its file. */
export function PolicyView({
  initial,
  mayServe,
  mayDownload,
  mayImport,
  blurNsfw,
}: {
  initial: PolicyDetail;
  mayServe: boolean;
  mayDownload: boolean;
  mayImport: boolean;
  blurNsfw: boolean;
}) {
  const detail = usePolicy(initial);
  useLivePolicies();
  const [asking, ask] = useState(false);
  const { policy, ancestors, children, frames } = detail;
  const parent = ancestors.at(-1);

  return (
    <Page
      title={policy.name}
      lead={
        <>
          <span className="mr-2 inline-flex gap-1 align-middle empty:hidden">
            {policy.serving ? <Badge tone="active">Served</Badge> : null}
            {policy.isBase ? <Badge>Base</Badge> : null}
          </span>
          {policy.round ? (
            <>
              Made by{' '}
              <Link
                href={`/rounds/${policy.round.id}`}
                className="text-foreground underline underline-offset-2"
              >
                {policy.round.runName}, round {policy.round.ordinal}
              </Link>
              ,{' '}
            </>
          ) : null}
          {'imported' in detail.manifest ? 'Imported ' : null}
          <Moment ms={policy.createdAt} />
        </>
      }
      action={
        <div className="flex flex-wrap gap-2">
          {mayDownload ? (
            <a href={`/api/policies/${policy.id}/manifest`} download className={buttonClass()}>
              <FileJson aria-hidden /> Manifest
            </a>
          ) : null}
          {mayImport && policy.isBase ? <LoraButton base={policy} /> : null}
          {mayServe && !policy.serving ? (
            <Button look="primary" onClick={() => ask(true)}>
              Serve it
            </Button>
          ) : null}
        </div>
      }
    >
      <div data-blur={blurNsfw || undefined} className="flex flex-col gap-6">
        <nav
          aria-label="Descent"
          className="flex flex-wrap items-center gap-x-2 gap-y-1 text-muted-foreground text-sm"
        >
          {ancestors.map(({ id, name }, i) => (
            <Fragment key={id}>
              <Link href={`/policies/${id}`} className="underline underline-offset-2">
                {name}
              </Link>
              <span aria-hidden>→</span>
              {i === 0 && detail.ancestorsBetween > 0 ? (
                <>
                  <span>{plural(detail.ancestorsBetween, 'version')}</span>
                  <span aria-hidden>→</span>
                </>
              ) : null}
            </Fragment>
          ))}
          <span aria-current="page" className="font-medium text-foreground">
            {policy.name}
          </span>
          {children.length > 0 ? <span aria-hidden>→</span> : null}
          {detail.childrenTotal > children.length ? (
            <span>{plural(detail.childrenTotal - children.length, 'earlier one')},</span>
          ) : null}
          {children.map(({ id, name }) => (
            <Link key={id} href={`/policies/${id}`} className="underline underline-offset-2">
              {name}
            </Link>
          ))}
        </nav>
        {detail.found ? <FoundCard found={detail.found} image={detail.foundImage} /> : null}
        {!detail.found && typeof detail.manifest.schedule === 'string' ? (
          <p className="text-muted-foreground text-sm">Scheduler: {detail.manifest.schedule}.</p>
        ) : null}
        {policy.measured ? <HackingNotice summary={policy.measured} /> : null}
        {policy.measured ? (
          <OutcomeCard
            before={detail.parentMeasured}
            after={policy.measured}
            names={[parent?.name ?? '', policy.name]}
          />
        ) : (
          <Card className="text-muted-foreground text-sm">
            Not measured yet: that happens at the end of the round that made it, or, where none did,
            of the first round that starts from it.
          </Card>
        )}
        {frames.length > 0 ? (
          <Card>
            <CardHeading
              title={parent ? `${policy.name} beside ${parent.name}` : 'Evaluation images'}
            >
              The fixed prompts and seeds
              {policy.measured?.drawing ? `, drawn with ${policy.measured.drawing}` : ''}.{' '}
              <Link
                href={`/review/images?policy=${policy.id}&purpose=evaluation`}
                className="underline underline-offset-2"
              >
                All images, with their flags
              </Link>
            </CardHeading>
            {parent ? (
              <FrameSheet frames={frames} names={[parent.name, policy.name]} />
            ) : (
              <Sheet detail={detail} />
            )}
          </Card>
        ) : null}
        {mayDownload && detail.adapter ? (
          <Downloads policy={policy} adapter={detail.adapter} />
        ) : null}
        <Card>
          <CardHeading title="Manifest">What identifies it and what it was made from.</CardHeading>
          <ScrollBox
            label="Manifest"
            className="max-h-96 overflow-auto rounded-md bg-muted [--cover:var(--muted)]"
          >
            <pre className="p-4 font-mono text-xs">
              {JSON.stringify({ hash: detail.hash, ...detail.manifest }, null, 2)}
            </pre>
          </ScrollBox>
        </Card>
      </div>
      <ServeDialog
        policy={asking ? { id: policy.id, name: policy.name } : null}
        serving={detail.serving}
        onClose={() => ask(false)}
      />
    </Page>
  );
}

/** A base policy's own images; it has no parent to stand beside. */
function Sheet({ detail }: { detail: PolicyDetail }) {
  return (
    <ul className="grid grid-cols-4 gap-2 rounded-md bg-film p-3 sm:grid-cols-6 lg:grid-cols-8 xl:grid-cols-12">
      {detail.frames.map(({ prompt, seed, images: [image] }) =>
        image ? (
          <li key={`${seed} ${prompt}`} className="relative" title={prompt}>
            <Picture image={image} prompt={prompt} />
            <DefectMarks image={image} />
          </li>
        ) : null,
      )}
    </ul>
  );
}
