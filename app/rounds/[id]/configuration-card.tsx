'use client';

import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { settingText } from '@/lib/settings/differences';
import { type GroupName, groupDescriptions, groupsOf, settingGroups } from '@/lib/settings/groups';
import type { Setting } from '@/lib/settings/setting';
import type { RoundDetail } from '../../api/rounds/schema';
import { plural } from '../../components/figures/format';
import { Card, CardHeading } from '../../components/ui/card';
import { Cell, HeadCell, Table } from '../../components/ui/table';

/** How the round was set up: what differs from before, then everything, then what reproduces it. */
export function ConfigurationCard({ detail }: { detail: RoundDetail }) {
  const { config, comparedWith, differences, manifest } = detail;
  return (
    <Card>
      <CardHeading title="Configuration">
        {differences.length === 0
          ? `Nothing differs from ${comparedWith}.`
          : `${plural(differences.length, 'setting')} ${differences.length === 1 ? 'differs' : 'differ'} from ${comparedWith}.`}
      </CardHeading>
      {differences.length > 0 ? (
        <Table label={`Differences from ${comparedWith}`} className="mb-4">
          <thead>
            <tr>
              <HeadCell>Setting</HeadCell>
              <HeadCell>Before</HeadCell>
              <HeadCell>In this round</HeadCell>
            </tr>
          </thead>
          <tbody>
            {differences.map(({ path, label, before, after }) => (
              <tr key={path}>
                <Cell>
                  {label}{' '}
                  <code className="wrap-anywhere font-mono text-muted-foreground text-xs">
                    {path}
                  </code>
                </Cell>
                <Cell className="text-muted-foreground tabular-nums">{before}</Cell>
                <Cell className="font-medium tabular-nums">{after}</Cell>
              </tr>
            ))}
          </tbody>
        </Table>
      ) : null}
      <div className="flex flex-col divide-y border-t">
        <Fold title="All settings">
          <div className="grid gap-x-10 gap-y-6 md:grid-cols-2 xl:grid-cols-3">
            {groupsOf(detail.round.run.method).map((groupName) => (
              <SettingList key={groupName} groupName={groupName} values={config[groupName]} />
            ))}
          </div>
        </Fold>
        <Fold
          title={`${plural(config.prompts.length, 'prompt')}, ${plural(config.evaluationPrompts.length, 'evaluation prompt')}`}
        >
          <div className="grid gap-6 md:grid-cols-2">
            <PromptList title="To draw from" prompts={config.prompts} />
            <PromptList title="Only to measure" prompts={config.evaluationPrompts} />
          </div>
        </Fold>
        <Fold title="Manifest">
          {manifest ? (
            <pre className="max-h-96 overflow-auto rounded-md bg-muted p-4 font-mono text-xs">
              {JSON.stringify(manifest, null, 2)}
            </pre>
          ) : (
            <p className="text-muted-foreground text-sm">
              Written when training ends: hashes, data window, seeds and versions that make the
              result again.
            </p>
          )}
        </Fold>
      </div>
    </Card>
  );
}

function Fold({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className="group">
      <summary className="flex cursor-pointer list-none items-center gap-2 py-3 font-medium text-sm [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        {title}
      </summary>
      <div className="pb-4">{children}</div>
    </details>
  );
}

function SettingList({
  groupName,
  values,
}: {
  groupName: GroupName;
  values: Record<string, unknown>;
}) {
  return (
    <section className="min-w-0">
      <h3 className="edge-print mb-1 text-muted-foreground">
        {groupDescriptions[groupName].label}
      </h3>
      <dl className="text-sm">
        {Object.entries<Setting>(settingGroups[groupName]).map(([key, setting]) => (
          <div key={key} className="flex justify-between gap-4 border-b py-1 last:border-b-0">
            <dt className="min-w-0 text-muted-foreground" title={setting.explanation}>
              {setting.label}
            </dt>
            <dd className="text-right tabular-nums">{settingText(setting, values[key])}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function PromptList({ title, prompts }: { title: string; prompts: string[] }) {
  return (
    <section className="min-w-0">
      <h3 className="edge-print mb-1 text-muted-foreground">{title}</h3>
      <ul className="max-h-64 overflow-y-auto text-sm">
        {prompts.map((prompt, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes, and a prompt may occur twice
          <li key={index} className="border-b py-1 last:border-b-0">
            {prompt}
          </li>
        ))}
      </ul>
    </section>
  );
}
