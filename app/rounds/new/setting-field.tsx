'use client';

import { RotateCcw } from 'lucide-react';
import { settingText } from '@/lib/settings/differences';
import type { Setting } from '@/lib/settings/setting';
import { Button } from '../../components/ui/button';
import { Field, Input } from '../../components/ui/field';
import { Select } from '../../components/ui/select';
import { Switch } from '../../components/ui/switch';
import type { Typed } from './run-draft';

/**
 * One setting with its unit, its official default, why the preset departs from it, and what is
 * wrong.
 */
export function SettingField({
  setting,
  value,
  presetValue,
  because,
  problem,
  onChange,
}: {
  setting: Setting;
  value: Typed;
  presetValue: Typed;
  /** Why the preset departs from the default; undefined where it does not. */
  because: string | undefined;
  problem: string | undefined;
  onChange: (value: Typed) => void;
}) {
  const changed = value !== presetValue;
  const help = (
    <>
      {setting.explanation}
      <span className="mt-1 block">
        Default {settingText(setting, setting.default)}
        {because ? `. Preset: ${because}` : ''}
        {changed ? (
          <Button
            look="quiet"
            className="ml-1 h-6 px-1.5 align-middle text-xs"
            onClick={() => onChange(presetValue)}
          >
            <RotateCcw aria-hidden className="size-3" /> Back to {backTo(setting, presetValue)}
          </Button>
        ) : null}
      </span>
    </>
  );

  if (setting.type === 'switch') {
    return (
      <Switch
        label={setting.label}
        help={<span className="text-xs">{help}</span>}
        checked={value === true}
        onChange={onChange}
      />
    );
  }
  if (setting.type === 'choice') {
    const options = Object.entries(setting.choices).map(([value, [label, hint]]) => ({
      value,
      label,
      hint,
    }));
    return (
      <Field label={setting.label} help={help} error={problem}>
        <Select label={setting.label} value={String(value)} options={options} onChange={onChange} />
      </Field>
    );
  }
  return (
    <Field
      label={setting.unit ? `${setting.label} (${setting.unit})` : setting.label}
      help={help}
      error={problem}
    >
      <Input
        inputMode={setting.integer ? 'numeric' : 'decimal'}
        autoComplete="off"
        value={String(value)}
        onChange={(event) => onChange(event.target.value)}
        className="tabular-nums"
      />
    </Field>
  );
}

function backTo(setting: Setting, value: Typed): string {
  return setting.type === 'number' ? String(value) : settingText(setting, value);
}
