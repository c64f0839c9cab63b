'use client';

import { useDeferredValue, useState } from 'react';
import type { PeopleView } from '../api/people/schema';
import { plural } from '../components/figures/format';
import { Input } from '../components/ui/field';
import { ShowMore } from '../components/ui/show-more';
import { PeopleTable } from './people-table';
import { usePeople } from './queries';

/** Everybody, some at a time; where they are many, found by name or address. */
export function PeopleList({ first, ownId }: { first: PeopleView; ownId: string }) {
  const [typed, type] = useState('');
  const { people, total, imported, more } = usePeople(useDeferredValue(typed), first);
  return (
    <>
      {first.next !== null ? (
        <Input
          type="search"
          aria-label="Find by name or address"
          placeholder="Find by name or address"
          value={typed}
          onChange={(event) => type(event.target.value)}
          className="mb-4 max-w-80"
        />
      ) : null}
      {people.length > 0 ? (
        <PeopleTable ownId={ownId} people={people} />
      ) : (
        <p role="status" className="text-muted-foreground text-sm">
          Nobody’s name or address holds “{typed.trim()}”.
        </p>
      )}
      <ShowMore
        shown={people.length}
        total={total}
        what="More people"
        busy={more.isFetchingNextPage}
        onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
      />
      {imported > 0 ? (
        <p className="mt-4 text-muted-foreground text-sm">
          {plural(imported, 'more name stands', 'more names stand')} for whoever gave imported
          answers; they cannot sign in.
        </p>
      ) : null}
    </>
  );
}
