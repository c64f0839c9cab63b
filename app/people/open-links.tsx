'use client';

import { z } from 'zod';
import type { Role } from '@/lib/roles';
import { Button } from '../components/ui/button';
import { Moment } from '../components/ui/moment';
import { Cell, HeadCell, Table } from '../components/ui/table';
import { send } from '../http/send';
import { useChange } from './use-change';

type OpenLink = { id: string; role: Role; note: string | null; expiresAt: number };

/** Links that somebody may still use. */
export function OpenLinks({ links }: { links: OpenLink[] }) {
  const withdraw = useChange((id: string) =>
    send('DELETE', `/api/people/invitations/${id}`, z.unknown()),
  );
  return (
    <Table label="Open links">
      <thead>
        <tr>
          <HeadCell>For</HeadCell>
          <HeadCell>Role</HeadCell>
          <HeadCell>Expires</HeadCell>
          <HeadCell>
            <span className="sr-only">Actions</span>
          </HeadCell>
        </tr>
      </thead>
      <tbody>
        {links.map((link) => (
          <tr key={link.id}>
            <Cell>{link.note || 'anybody who has it'}</Cell>
            <Cell>{link.role}</Cell>
            <Cell className="whitespace-nowrap text-muted-foreground">
              <Moment ms={link.expiresAt} />
            </Cell>
            <Cell className="text-right">
              <Button
                look="danger"
                size="small"
                disabled={withdraw.isPending}
                onClick={() => withdraw.mutate(link.id)}
              >
                Withdraw
              </Button>
            </Cell>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
