import type { Role } from './roles';

/**
 * Who may do what, in one place. Routes ask `can(role, action)`; they never compare roles
 * themselves.
 */
const rolesByAction = {
  /** Lease pairs, answer, skip, undo, flag while labeling. */
  label: ['annotator', 'reviewer', 'researcher', 'admin'],
  /** Fetch an image by its hash. */
  'images.read': ['annotator', 'reviewer', 'researcher', 'admin'],
  /** Defect rates, the images behind them, annotators' figures. */
  'review.read': ['reviewer', 'researcher', 'admin'],
  /** Confirm or reject a flag. */
  'review.decide': ['reviewer', 'researcher', 'admin'],
  /** Hold back an annotator's preferences, or let them count again. */
  'annotators.pause': ['reviewer', 'researcher', 'admin'],
  'rounds.read': ['reviewer', 'researcher', 'admin'],
  /** Start, pause, resume and cancel runs and rounds. */
  'rounds.manage': ['researcher', 'admin'],
  /** Reward models, and how far to trust them. */
  'rewards.read': ['reviewer', 'researcher', 'admin'],
  /** Train a reward model. */
  'rewards.manage': ['researcher', 'admin'],
  'policies.read': ['reviewer', 'researcher', 'admin'],
  /** Serve a policy, roll back. */
  'policies.serve': ['researcher', 'admin'],
  /** Bring in a pipeline from a folder that the administrator allows. */
  'policies.import': ['researcher', 'admin'],
  /** Adapter files with their manifest. */
  'policies.download': ['researcher', 'admin'],
  /** Write a new version of the annotators' guidelines. */
  'guidelines.write': ['researcher', 'admin'],
  /** Live events of rounds and policies. */
  'events.read': ['annotator', 'reviewer', 'researcher', 'admin'],
  /** Invitations, roles, the list of people. */
  'people.manage': ['admin'],
} as const satisfies Record<string, readonly Role[]>;

export type Action = keyof typeof rolesByAction;

/** All there are. @internal so that tests can go through them. */
export const actions = Object.keys(rolesByAction) as Action[];

/** What a paused person may still do: look, and see to their own account. */
const pausedMay: ReadonlySet<Action> = new Set([
  'images.read',
  'review.read',
  'rounds.read',
  'rewards.read',
  'policies.read',
  'events.read',
]);

/**
 * Whether a pause leaves this to a person: whoever may change nothing cannot undo their pause by a
 * detour either.
 */
export function allowedWhilePaused(action: Action): boolean {
  return pausedMay.has(action);
}

/** Whether a person with this role may do this. */
export function can(role: Role, action: Action): boolean {
  return (rolesByAction[action]! as readonly Role[]).includes(role);
}

/** The roles that may do this, least privileged first; for error messages and for tests. */
export function rolesAllowed(action: Action): readonly Role[] {
  return rolesByAction[action];
}
