'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { z } from 'zod';
import type { OwnSession } from '../auth/own-sessions';
import { Badge } from '../components/ui/badge';
import { Button } from '../components/ui/button';
import { Card, CardHeading } from '../components/ui/card';
import { FormError } from '../components/ui/form-error';
import { Moment } from '../components/ui/moment';
import { useToast } from '../components/ui/toast';
import { send } from '../http/send';
import { deviceName } from './device-name';

/** Where one is signed in, and an end to it elsewhere. */
export function SessionsCard({ sessions }: { sessions: OwnSession[] }) {
  const router = useRouter();
  const { say } = useToast();
  const end = useMutation({
    /** The id of a session, or null for all but this one. */
    mutationFn: (id: string | null) =>
      send('DELETE', `/api/account/sessions${id === null ? '' : `/${id}`}`, z.unknown()),
    onSuccess: () => say('Signed out there'),
    // Also after a refusal: it had ended already.
    onSettled: () => router.refresh(),
  });
  const others = sessions.filter(({ isThisOne }) => !isThisOne);

  return (
    <Card className="md:col-span-2">
      <CardHeading title="Where you are signed in">
        End what you do not know, then change your password.
      </CardHeading>
      <ul className="divide-y border-y text-sm">
        {sessions.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            busy={end.isPending}
            onEnd={() => end.mutate(session.id)}
          />
        ))}
      </ul>
      <FormError error={end.error} />
      {others.length > 1 ? (
        <Button className="mt-4" disabled={end.isPending} onClick={() => end.mutate(null)}>
          Sign out everywhere else
        </Button>
      ) : null}
    </Card>
  );
}

function SessionRow(props: { session: OwnSession; busy: boolean; onEnd: () => void }) {
  const { userAgent, address, signedInAt, lastSeenAt, isThisOne } = props.session;
  const device = deviceName(userAgent);
  return (
    <li className="flex items-center justify-between gap-4 py-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {device}
          {isThisOne ? <Badge>this one</Badge> : null}
        </p>
        <p className="flex flex-wrap gap-x-3 text-muted-foreground text-xs">
          {address ? <span className="font-mono">{address}</span> : null}
          <span>
            signed in <Moment ms={signedInAt} />
          </span>
          {lastSeenAt > signedInAt ? (
            <span>
              last seen <Moment ms={lastSeenAt} />
            </span>
          ) : null}
        </p>
      </div>
      {isThisOne ? null : (
        <Button
          look="danger"
          size="small"
          className="shrink-0"
          aria-label={`Sign out ${device}`}
          disabled={props.busy}
          onClick={props.onEnd}
        >
          Sign out
        </Button>
      )}
    </li>
  );
}
