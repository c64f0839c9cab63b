'use client';

import { useRef, useState } from 'react';
import { toAppError } from '@/lib/errors';
import { toldPrompts } from '@/lib/exchange/prompt-list';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';
import { promptsOfFile } from './prompt-file';

/** Adds the prompts of a file to those there are, and says what became of it. */
export function PromptFile({
  known,
  onPrompts,
}: {
  known: string[];
  onPrompts: (prompts: string[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [isReading, setReading] = useState(false);
  const [told, setTold] = useState<{ text: string; isError: boolean } | null>(null);
  const read = async (file: File) => {
    setReading(true);
    try {
      const list = await promptsOfFile(file, known);
      onPrompts(list.prompts);
      setTold({ text: toldPrompts(list, file.name), isError: false });
    } catch (thrown) {
      setTold({ text: toAppError(thrown).message, isError: true });
    } finally {
      setReading(false);
    }
  };
  return (
    <>
      <Button
        look="quiet"
        className="h-6 px-1.5 text-xs"
        busy={isReading}
        onClick={() => input.current?.click()}
      >
        Add from a file
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept=".txt,.csv,.tsv,.json,.jsonl,.parquet,text/*"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          // The same file may be chosen again once it was corrected.
          event.target.value = '';
          if (file) void read(file);
        }}
      />
      {told ? (
        <span role="status" className={cn('w-full', told.isError && 'text-destructive')}>
          {told.text}
        </span>
      ) : null}
    </>
  );
}
