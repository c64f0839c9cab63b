'use client';

import { MoreHorizontal } from 'lucide-react';
import { useState } from 'react';
import { z } from 'zod';
import { roleDescriptions, roles } from '@/lib/roles';
import { type ChangePerson, type ListedPerson, linkAnswerSchema } from '../api/people/schema';
import { Badge } from '../components/ui/badge';
import { Button } from '../components/ui/button';
import { Menu, MenuItem } from '../components/ui/menu';
import { Moment } from '../components/ui/moment';
import { Select } from '../components/ui/select';
import { Cell, HeadCell, Table } from '../components/ui/table';
import { send } from '../http/send';
import { LinkDialog } from './link-dialog';
import { useChange } from './use-change';

/** Everybody, with their role and what can be done about them. */
export function PeopleTable({ people, ownId }: { people: ListedPerson[]; ownId: string }) {
  return (
    <Table label="People">
      <thead>
        <tr>
          <HeadCell>Name</HeadCell>
          <HeadCell>Role</HeadCell>
          <HeadCell className="text-right">Picks</HeadCell>
          <HeadCell>Last pick</HeadCell>
          <HeadCell>
            <span className="sr-only">Actions</span>
          </HeadCell>
        </tr>
      </thead>
      <tbody>
        {people.map((person) => (
          <PersonRow key={person.id} person={person} isSelf={person.id === ownId} />
        ))}
      </tbody>
    </Table>
  );
}

const roleOptions = roles.map((role) => ({
  value: role,
  label: role,
  hint: roleDescriptions[role],
}));

function PersonRow({ person, isSelf }: { person: ListedPerson; isSelf: boolean }) {
  const [linkPath, setLinkPath] = useState<string | null>(null);
  const change = useChange((body: ChangePerson) =>
    send('PATCH', `/api/people/${person.id}`, z.unknown(), body),
  );
  const makeLink = useChange(
    () => send('POST', `/api/people/${person.id}/link`, linkAnswerSchema),
    ({ path }) => setLinkPath(path),
  );

  return (
    <tr>
      <Cell>
        <span className="flex items-center gap-2 font-medium">
          {person.name}
          {isSelf ? <Badge>you</Badge> : null}
          {person.paused ? <Badge tone="negative">paused</Badge> : null}
        </span>
        <span className="text-muted-foreground text-xs">{person.email ?? 'signs in by link'}</span>
      </Cell>
      <Cell>
        <Select
          label={`Role of ${person.name}`}
          value={person.role}
          options={roleOptions}
          disabled={change.isPending}
          onChange={(role) => change.mutate({ role })}
          className="h-9 w-36"
        />
      </Cell>
      <Cell numeric>{person.preferences}</Cell>
      <Cell className="whitespace-nowrap text-muted-foreground">
        <Moment ms={person.lastActiveAt} />
      </Cell>
      <Cell className="text-right">
        <Menu
          trigger={
            <Button look="quiet" size="icon" aria-label={`More about ${person.name}`}>
              <MoreHorizontal aria-hidden />
            </Button>
          }
        >
          <MenuItem onClick={() => change.mutate({ paused: !person.paused })}>
            {person.paused ? 'Let take part again' : 'Pause and sign out'}
          </MenuItem>
          <MenuItem onClick={() => makeLink.mutate(undefined)}>Make a sign-in link</MenuItem>
        </Menu>
        <LinkDialog
          path={linkPath}
          title={`Sign-in link for ${person.name}`}
          onClose={() => setLinkPath(null)}
        />
      </Cell>
    </tr>
  );
}
