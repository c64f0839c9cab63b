import { type Action, can } from '@/lib/permissions';
import type { Role } from '@/lib/roles';

export type Section = { href: string; name: SectionName };

type SectionName = 'Label' | 'Rounds' | 'Policies' | 'Rewards' | 'Review' | 'People';

const sections: readonly (Section & { needs: Action })[] = [
  { href: '/label', name: 'Label', needs: 'label' },
  { href: '/rounds', name: 'Rounds', needs: 'rounds.read' },
  { href: '/policies', name: 'Policies', needs: 'policies.read' },
  { href: '/rewards', name: 'Rewards', needs: 'rewards.read' },
  { href: '/review', name: 'Review', needs: 'review.read' },
  { href: '/people', name: 'People', needs: 'people.manage' },
];

/** The parts of the app that a role may enter, in the order of the header. */
export function visibleSections(role: Role): Section[] {
  return sections
    .filter((section) => can(role, section.needs))
    .map(({ href, name }) => ({ href, name }));
}

/** Where somebody begins whom a link has just brought in: at what their role is there for. */
export const firstSections: Record<Role, { href: string; begin: string }> = {
  annotator: { href: '/label', begin: 'Start labeling' },
  reviewer: { href: '/review', begin: 'Start reviewing' },
  researcher: { href: '/rounds', begin: 'Go to the rounds' },
  admin: { href: '/label', begin: 'Start labeling' },
};
