'use client';

import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { type Role, roleDescriptions, roles } from '@/lib/roles';
import { linkAnswerSchema } from '../api/people/schema';
import { Button } from '../components/ui/button';
import { Dialog } from '../components/ui/dialog';
import { Field, Input } from '../components/ui/field';
import { Select } from '../components/ui/select';
import { send } from '../http/send';
import { LinkDialog } from './link-dialog';
import { useChange } from './use-change';

const roleOptions = roles.map((role) => ({
  value: role,
  label: role,
  hint: roleDescriptions[role],
}));

/** Asks for a role and a note, then shows the link. */
export function InviteButton() {
  const [asking, setAsking] = useState(false);
  const [role, setRole] = useState<Role>('annotator');
  const [linkPath, setLinkPath] = useState<string | null>(null);
  const invite = useChange(
    (body: { role: Role; note: string }) =>
      send('POST', '/api/people/invitations', linkAnswerSchema, body),
    ({ path }) => {
      setAsking(false);
      setLinkPath(path);
    },
  );

  return (
    <>
      <Button look="primary" onClick={() => setAsking(true)}>
        <UserPlus aria-hidden /> Invite
      </Button>
      <Dialog open={asking} onOpenChange={setAsking} title="Invite somebody">
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            const note = String(new FormData(event.currentTarget).get('note'));
            invite.mutate({ role, note });
          }}
        >
          <Field label="Role" help={roleDescriptions[role]}>
            <Select label="Role" value={role} options={roleOptions} onChange={setRole} />
          </Field>
          <Field label="Whom is it for?" help="Optional; only admins see it.">
            <Input name="note" maxLength={80} />
          </Field>
          <Button type="submit" look="primary" busy={invite.isPending}>
            Make the link
          </Button>
        </form>
      </Dialog>
      <LinkDialog
        path={linkPath}
        title="Link for one new person"
        onClose={() => setLinkPath(null)}
      />
    </>
  );
}
