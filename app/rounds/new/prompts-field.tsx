'use client';

import { Field as BaseField } from '@base-ui/react/field';
import { TriangleAlert } from 'lucide-react';
import { plural } from '../../components/figures/format';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';
import { Field, inputClass } from '../../components/ui/field';
import { PromptFile } from './prompt-file-button';
import { linesOf } from './run-draft';

/** Many prompts, one a line, with how many there are and the pipeline's own suggestion. */
export function PromptsField({
  label,
  value,
  suggested,
  problem,
  cut,
  onChange,
}: {
  label: string;
  value: string;
  suggested: string[];
  problem: string | undefined;
  /** Which prompts are longer than the pipeline takes, if any are. */
  cut: string | null;
  onChange: (value: string) => void;
}) {
  const suggestion = suggested.join('\n');
  return (
    <Field
      label={label}
      error={problem}
      help={
        <span className="flex min-h-6 flex-wrap items-center gap-2">
          {plural(linesOf(value).length, 'prompt')}
          {suggested.length > 0 && value !== suggestion ? (
            <Button
              look="quiet"
              className="h-6 px-1.5 text-xs"
              onClick={() => onChange(suggestion)}
            >
              Take the {suggested.length} suggested
            </Button>
          ) : null}
          <PromptFile
            known={linesOf(value)}
            onPrompts={(prompts) => onChange([...linesOf(value), ...prompts].join('\n'))}
          />
          {cut ? (
            <span role="status" className="flex w-full gap-1.5 text-foreground">
              <TriangleAlert aria-hidden className="size-4 shrink-0 text-primary" />
              {cut}
            </span>
          ) : null}
        </span>
      }
    >
      <BaseField.Control
        render={<textarea rows={7} spellCheck={false} />}
        value={value}
        onValueChange={onChange}
        className={cn(
          inputClass,
          'h-auto resize-y overflow-x-auto whitespace-pre py-2 font-mono leading-5 sm:text-xs',
        )}
      />
    </Field>
  );
}
