import { z } from 'zod';

/** From the least to the most that a person may do. */
export const roles = ['annotator', 'reviewer', 'researcher', 'admin'] as const;

export const roleSchema = z.enum(roles);

export type Role = z.infer<typeof roleSchema>;

/** Whether a role stands above another. */
export function outranks(role: Role, other: Role): boolean {
  return roles.indexOf(role) > roles.indexOf(other);
}

/** What each role is there for, in the words a page shows beside it. */
export const roleDescriptions: Record<Role, string> = {
  annotator: 'Picks the better of two images and flags defects.',
  reviewer: 'Checks flags, reads defect rates, judges annotators. May also label.',
  researcher: 'Starts, watches and rolls back training rounds. May also review and label.',
  admin: 'Invites people and sets their roles. May do everything else too.',
};
