'use client';

import { type FormEvent, useState } from 'react';
import type { Role } from '@/lib/roles';
import { firstSections } from '../../components/shell/sections';
import { Button } from '../../components/ui/button';
import { Field, Input } from '../../components/ui/field';
import { FormError } from '../../components/ui/form-error';
import { useJoin } from './use-join';

/**
 * As little as possible between a link and what it is for: a name. Email and password are offered
 * to those who want to come back without a link.
 */
export function JoinForm({
  token,
  role,
  suggestedName,
  guidelinesVersion,
}: {
  token: string;
  role: Role;
  suggestedName: string;
  guidelinesVersion: number | null;
}) {
  const [withLogin, setWithLogin] = useState(false);
  const { href, begin } = firstSections[role];
  const join = useJoin(href);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (name: string) => (data.get(name) ? String(data.get(name)) : undefined);
    join.mutate({
      token,
      name: text('name'),
      email: text('email'),
      password: text('password'),
      acceptedGuidelines: guidelinesVersion ?? undefined,
    });
  }

  return (
    <form className="flex flex-col gap-4" onSubmit={submit}>
      <Field label="Your name" help="Admins and reviewers see it beside your picks.">
        <Input
          name="name"
          defaultValue={suggestedName}
          autoComplete="name"
          required
          maxLength={60}
        />
      </Field>
      {withLogin ? (
        <>
          <Field label="Email" help="Only to sign in; Darkroom sends no mail.">
            <Input name="email" type="email" autoComplete="username" required />
          </Field>
          <Field label="Password" help="At least 10 characters.">
            <Input
              name="password"
              type="password"
              autoComplete="new-password"
              minLength={10}
              required
            />
          </Field>
        </>
      ) : (
        <Button
          look="quiet"
          size="small"
          className="-mx-3 self-start"
          onClick={() => setWithLogin(true)}
        >
          Add email and password, to sign in on other devices
        </Button>
      )}
      <FormError error={join.error} />
      <Button type="submit" look="primary" size="large" busy={join.isPending || join.isSuccess}>
        {begin}
      </Button>
      {guidelinesVersion === null ? null : (
        <p className="text-muted-foreground text-xs">
          Starting means that your picks are stored with your name and used to train the model. Some
          images may show blood; your settings can blur them.
        </p>
      )}
    </form>
  );
}
