import { placeholderEmail } from '@/db/people/users';
import { invitations, user } from '@/db/schema/people';
import type { Role } from '@/lib/roles';
import type { Soil } from './soil';

export interface Person {
  id: string;
  role: Role;
  paused: boolean;
  imported: boolean;
}

/**
 * An admin, a researcher, a reviewer, and annotators; a fifth are names that came with imports, one
 * in fifty is paused.
 */
export function growPeople({ insert, chance, startedAt }: Soil, count: number): Person[] {
  return Array.from({ length: count }, (_, i) => {
    const id = chance.id();
    const role: Role = (['admin', 'researcher', 'reviewer'] as const)[i] ?? 'annotator';
    const imported = i > 2 && i % 5 === 4;
    const paused = i > 2 && i % 50 === 8;
    const joined = new Date(startedAt + i);
    insert(user, {
      id,
      name: imported ? `Imported ${id.slice(0, 8)}` : `${firstNames[i % firstNames.length]} ${i}`,
      email: imported ? placeholderEmail() : `person.${i}@example.org`,
      hasEmail: !imported,
      imported,
      role,
      createdAt: joined,
      updatedAt: joined,
      pausedAt: paused ? startedAt + 1000 : null,
    });
    if (!imported) {
      insert(invitations, {
        id: chance.id(),
        tokenHash: chance.hash(),
        role,
        createdAt: startedAt,
        expiresAt: startedAt + 1000,
        usedBy: id,
        usedAt: startedAt + i,
      });
    }
    return { id, role, paused, imported };
  });
}

const firstNames = ['Ada', 'Bo', 'Chidi', 'Dana', 'Emre', 'Fen', 'Gita', 'Hugo', 'Ines', 'Jun'];
