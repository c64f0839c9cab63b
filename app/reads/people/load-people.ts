import { countPeople, peoplePage } from '@/db/people/list';
import type { PeopleQuery, PeopleView } from '../../api/people/schema';

/**
 * People in the order they came, a page of them; those whose name or address holds `search` when
 * asked.
 */
export async function loadPeople({ search, after, limit }: PeopleQuery = {}): Promise<PeopleView> {
  const { people, next } = await peoplePage({ search, after, limit, withImported: false });
  const counts = await countPeople(search);
  return {
    people: people.map(({ id, name, email, role, pausedAt, preferences, lastActiveAt }) => ({
      id,
      name,
      email,
      role,
      paused: pausedAt !== null,
      preferences,
      lastActiveAt,
    })),
    total: counts.people,
    imported: counts.imported,
    next,
  };
}
