'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { publishAnswerSchema } from '../api/guidelines/schema';
import { Markdown } from '../components/markdown/markdown';
import { Button } from '../components/ui/button';
import { Card, CardHeading } from '../components/ui/card';
import { cn } from '../components/ui/cn';
import { Field, inputClass } from '../components/ui/field';
import { FormError } from '../components/ui/form-error';
import { useToast } from '../components/ui/toast';
import { send } from '../http/send';

/** The text and, beside it, what annotators will see. */
export function GuidelinesEditor({ markdown, version }: { markdown: string; version: number }) {
  const [draft, setDraft] = useState(markdown);
  const router = useRouter();
  const { say } = useToast();
  const publish = useMutation({
    mutationFn: () => send('POST', '/api/guidelines', publishAnswerSchema, { markdown: draft }),
    onSuccess: (published) => {
      say(`Version ${published.version} is in force`);
      router.refresh();
    },
  });

  return (
    <div className="grid items-start gap-6 lg:grid-cols-2">
      <Card>
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            publish.mutate();
          }}
        >
          <Field
            label="Text"
            help="# for a heading, - for a list, ** around what matters. Everything else stands as it is."
          >
            <textarea
              aria-label="Text"
              value={draft}
              onChange={(event) => setDraft(event.target.value)}
              rows={18}
              className={cn(inputClass, 'h-auto py-2 font-mono leading-relaxed')}
            />
          </Field>
          <FormError error={publish.error} />
          <Button
            type="submit"
            look="primary"
            className="self-start"
            busy={publish.isPending}
            disabled={draft.trim() === markdown.trim()}
          >
            Put version {version + 1} in force
          </Button>
        </form>
      </Card>
      <Card>
        <CardHeading title="As annotators see it">
          {draft.trim() === markdown.trim() ? `Version ${version}, in force` : 'A draft'}
        </CardHeading>
        <Markdown>{draft}</Markdown>
      </Card>
    </div>
  );
}
