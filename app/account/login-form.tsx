'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { z } from 'zod';
import type { LoginRequest } from '../api/account/schema';
import { Button } from '../components/ui/button';
import { Field, Input } from '../components/ui/field';
import { FormError } from '../components/ui/form-error';
import { useToast } from '../components/ui/toast';
import { send } from '../http/send';

/** Email and password, to be set the first time or changed; a change signs out everywhere else. */
export function LoginForm({ email, hasPassword }: { email: string | null; hasPassword: boolean }) {
  const router = useRouter();
  const { say } = useToast();
  const save = useMutation({
    mutationFn: (login: LoginRequest) => send('POST', '/api/account/login', z.unknown(), login),
    onSuccess: () => {
      say('Saved. You can sign in with it from now on.');
      router.refresh();
    },
  });

  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const data = new FormData(form);
        save.mutate(
          {
            email: String(data.get('email')),
            password: String(data.get('password')),
            currentPassword: hasPassword ? String(data.get('current-password')) : undefined,
          },
          { onSuccess: () => form.reset() },
        );
      }}
    >
      <Field label="Email" help="Only to sign in; Darkroom sends no mail.">
        <Input
          name="email"
          type="email"
          autoComplete="username"
          defaultValue={email ?? ''}
          required
        />
      </Field>
      {hasPassword ? (
        <Field label="Current password">
          <Input name="current-password" type="password" autoComplete="current-password" required />
        </Field>
      ) : null}
      <Field
        label="New password"
        help="At least 10 characters. You are signed out everywhere else."
      >
        <Input
          name="password"
          type="password"
          autoComplete="new-password"
          minLength={10}
          required
        />
      </Field>
      <FormError error={save.error} />
      <Button type="submit" busy={save.isPending} className="self-start">
        Save
      </Button>
    </form>
  );
}
