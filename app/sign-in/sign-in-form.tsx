'use client';

import { useMutation } from '@tanstack/react-query';
import { z } from 'zod';
import { Button } from '../components/ui/button';
import { Field, Input } from '../components/ui/field';
import { FormError } from '../components/ui/form-error';
import { send } from '../http/send';

/** Email and password; a full page load follows, so that nothing of the signed-out page stays. */
export function SignInForm() {
  const signIn = useMutation({
    mutationFn: (login: { email: string; password: string }) =>
      send('POST', '/api/sign-in', z.unknown(), login),
    onSuccess: () => window.location.assign('/'),
  });

  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        signIn.mutate({ email: String(data.get('email')), password: String(data.get('password')) });
      }}
    >
      <Field label="Email">
        <Input name="email" type="email" autoComplete="username" required />
      </Field>
      <Field label="Password">
        <Input name="password" type="password" autoComplete="current-password" required />
      </Field>
      <FormError error={signIn.error} />
      <Button type="submit" look="primary" busy={signIn.isPending || signIn.isSuccess}>
        Sign in
      </Button>
    </form>
  );
}
