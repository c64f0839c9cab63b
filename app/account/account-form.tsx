'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { z } from 'zod';
import type { ChangeAccount } from '../api/account/schema';
import { Button } from '../components/ui/button';
import { Field, Input } from '../components/ui/field';
import { FormError } from '../components/ui/form-error';
import { Switch } from '../components/ui/switch';
import { useToast } from '../components/ui/toast';
import { send } from '../http/send';

/** One's name and how sensitive images are shown. */
export function AccountForm(props: { name: string; blurNsfw: boolean }) {
  const router = useRouter();
  const { say } = useToast();
  const [blurNsfw, setBlurNsfw] = useState(props.blurNsfw);
  const change = useMutation({
    mutationFn: (body: ChangeAccount) => send('PATCH', '/api/account', z.unknown(), body),
    onSuccess: () => {
      say('Saved');
      router.refresh();
    },
    onError: () => setBlurNsfw(props.blurNsfw),
  });

  return (
    <div className="flex flex-col gap-5">
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate({ name: String(new FormData(event.currentTarget).get('name')) });
        }}
      >
        <Field label="Your name" className="flex-1">
          <Input
            name="name"
            defaultValue={props.name}
            autoComplete="name"
            required
            maxLength={60}
          />
        </Field>
        <Button type="submit" busy={change.isPending}>
          Save
        </Button>
      </form>
      <Switch
        label="Blur images in which blood or nudity was seen"
        help="Show one by pressing it, or by holding its key."
        checked={blurNsfw}
        disabled={change.isPending}
        onChange={(on) => {
          setBlurNsfw(on);
          change.mutate({ blurNsfw: on });
        }}
      />
      <FormError error={change.error} />
    </div>
  );
}
