'use client';

import { ChevronRight } from 'lucide-react';
import { type GroupName, groupDescriptions, settingGroups } from '@/lib/settings/groups';
import type { Preset } from '@/lib/settings/presets';
import type { Setting } from '@/lib/settings/setting';
import { Badge } from '../../components/ui/badge';
import type { Problems, RunDraft, Typed } from './run-draft';
import { SettingField } from './setting-field';

/**
 * All settings of one group; closed until somebody wants them, open when something in it is wrong.
 */
export function SettingsSection({
  group,
  draft,
  preset,
  presetSettings,
  problems,
  onChange,
}: {
  group: GroupName;
  draft: RunDraft;
  preset: Preset;
  presetSettings: RunDraft['settings'];
  problems: Problems;
  onChange: (group: GroupName, key: string, value: Typed) => void;
}) {
  const { label, explanation } = groupDescriptions[group];
  const settings = Object.entries<Setting>(settingGroups[group]);
  const changed = settings.filter(
    ([key]) => draft.settings[group][key] !== presetSettings[group][key],
  ).length;
  const wrong = settings.filter(([key]) => problems[`config.${group}.${key}`]).length;

  return (
    <details open={wrong > 0 || undefined} className="group border-b last:border-b-0">
      <summary className="flex min-h-14 cursor-pointer list-none flex-wrap items-center gap-x-3 gap-y-1 py-2 [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        <span className="font-medium text-sm">{label}</span>
        <span className="min-w-0 flex-1 truncate text-muted-foreground text-sm">{explanation}</span>
        {changed > 0 ? <Badge tone="active">{changed} changed</Badge> : null}
        {wrong > 0 ? <Badge tone="negative">{wrong} to correct</Badge> : null}
      </summary>
      <div className="grid items-start gap-x-6 gap-y-5 pt-2 pb-6 sm:grid-cols-2">
        {settings.map(([key, setting]) => (
          <SettingField
            key={key}
            setting={setting}
            value={draft.settings[group][key] ?? ''}
            presetValue={presetSettings[group][key] ?? ''}
            because={reasonFor(preset, group, key)}
            problem={problems[`config.${group}.${key}`]}
            onChange={(value) => onChange(group, key, value)}
          />
        ))}
      </div>
    </details>
  );
}

function reasonFor(preset: Preset, group: GroupName, key: string): string | undefined {
  const departures: Record<string, { because: string } | undefined> =
    preset.departures[group] ?? {};
  return departures[key]?.because;
}
