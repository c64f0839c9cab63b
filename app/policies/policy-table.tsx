'use client';

import { Download } from 'lucide-react';
import Link from 'next/link';
import { winRate } from '@/lib/statistics/proportion';
import type { MeasureRef } from '../api/evaluations/schema';
import type { PolicyNode } from '../api/policies/schema';
import type { PolicyRef } from '../api/rounds/schema';
import { percent, plural } from '../components/figures/format';
import { Rate, RateText } from '../components/figures/rate';
import { Badge } from '../components/ui/badge';
import { Button } from '../components/ui/button';
import { buttonClass } from '../components/ui/button-class';
import { Moment } from '../components/ui/moment';
import { Cell, HeadCell, Table } from '../components/ui/table';
import { type TreeRow, treeRows } from './tree';
import { TreeLines, treeIndent } from './tree-lines';

/** Versions as a tree, each with its rates and what may be done with it. */
export function PolicyTable({
  policies,
  defects,
  mayServe,
  mayDownload,
  onServe,
}: {
  policies: PolicyNode[];
  defects: readonly MeasureRef[];
  mayServe: boolean;
  mayDownload: boolean;
  onServe: (policy: PolicyRef) => void;
}) {
  return (
    <Table label="Versions" className="border-separate border-spacing-0">
      <thead>
        <tr>
          <HeadCell>Policy</HeadCell>
          <HeadCell>Made by</HeadCell>
          {defects.map(({ id, label }) => (
            <HeadCell key={id}>{label}</HeadCell>
          ))}
          <HeadCell>Prompt followed</HeadCell>
          <HeadCell>Won against its parent</HeadCell>
          <HeadCell>
            <span className="sr-only">Actions</span>
          </HeadCell>
        </tr>
      </thead>
      <tbody className="[&_tr:last-child_td]:border-b-0">
        {treeRows(policies).map((row) => (
          <PolicyRow
            key={row.policy.id}
            row={row}
            defects={defects}
            mayServe={mayServe}
            mayDownload={mayDownload}
            onServe={onServe}
          />
        ))}
      </tbody>
    </Table>
  );
}

function PolicyRow({
  row,
  defects,
  mayServe,
  mayDownload,
  onServe,
}: {
  row: TreeRow;
  defects: readonly MeasureRef[];
  mayServe: boolean;
  mayDownload: boolean;
  onServe: (policy: PolicyRef) => void;
}) {
  const { policy } = row;
  const { measured } = policy;
  const won = measured?.winRate ?? null;
  return (
    <tr>
      <Cell className="relative whitespace-nowrap" style={{ paddingLeft: treeIndent(row.lane) }}>
        <TreeLines row={row} />
        <Link href={`/policies/${policy.id}`} className="font-medium hover:underline">
          {policy.name}
        </Link>
        {policy.serving ? (
          <Badge tone="active" className="ml-2">
            Served
          </Badge>
        ) : null}
        {policy.isBase ? <Badge className="ml-2">Base</Badge> : null}
      </Cell>
      <Cell className="min-w-36">
        {policy.round ? (
          <Link href={`/rounds/${policy.round.id}`} className="hover:underline">
            {policy.round.runName}, round {policy.round.ordinal}
          </Link>
        ) : (
          <span className="text-muted-foreground">{policy.isBase ? 'Pre-training' : 'Import'}</span>
        )}
        <span className="block whitespace-nowrap text-muted-foreground text-xs">
          <Moment ms={policy.createdAt} />
        </span>
      </Cell>
      {defects.map(({ id }) => {
        const found = measured?.defects.find((defect) => defect.id === id);
        return <Cell key={id}>{found ? <Rate of={found.of} /> : <Unmeasured />}</Cell>;
      })}
      <Cell className="whitespace-nowrap tabular-nums">
        {measured && measured.alignment !== null ? (
          <>
            {percent(measured.alignment)}
            <span className="block text-muted-foreground text-xs">
              mean of {plural(measured.images, 'image')}
            </span>
          </>
        ) : (
          <Unmeasured />
        )}
      </Cell>
      <Cell>
        {won ? (
          <RateText interval={winRate(won)} count={plural(won.n, 'comparison')} />
        ) : (
          <Unmeasured />
        )}
      </Cell>
      {/* What may be done stays in sight where the rates do not fit. */}
      <Cell className="bg-card sm:sticky sm:right-0 sm:shadow-[-12px_0_12px_0_var(--card)]">
        <div className="flex justify-end gap-1">
          {mayServe && !policy.serving ? (
            <Button
              size="small"
              aria-label={`Serve ${policy.name}`}
              onClick={() => onServe({ id: policy.id, name: policy.name })}
            >
              Serve
            </Button>
          ) : null}
          {mayDownload && !policy.isBase ? (
            <a
              href={`/api/policies/${policy.id}/adapter`}
              download
              aria-label={`Download the adapter of ${policy.name}`}
              className={buttonClass({ look: 'quiet', size: 'icon', className: 'size-8' })}
            >
              <Download aria-hidden />
            </a>
          ) : null}
        </div>
      </Cell>
    </tr>
  );
}

function Unmeasured() {
  return <span className="text-muted-foreground">–</span>;
}
