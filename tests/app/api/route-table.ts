import type { Action } from '@/lib/permissions';

/**
 * Who may call which route. A route that is not here fails the test, so none can be added
 * without saying who may call it.
 */
export const routeTable: Record<string, Partial<Record<string, Action | 'anybody'>>> = {
  'account/login': { POST: 'images.read' },
  account: { PATCH: 'images.read' },
  events: { GET: 'events.read' },
  health: { GET: 'anybody' },
  'images/[hash]': { GET: 'images.read' },
  join: { POST: 'anybody' },
  'label/consent': { POST: 'label' },
  'label/flag': { POST: 'label' },
  'label/next': { GET: 'label' },
  'label/preference': { POST: 'label' },
  'label/release': { POST: 'label' },
  'label/renew': { POST: 'label' },
  'label/skip': { POST: 'label' },
  'label/undo': { POST: 'label' },
  'people/[id]/link': { POST: 'people.manage' },
  'people/[id]': { PATCH: 'people.manage' },
  'people/invitations/[id]': { DELETE: 'people.manage' },
  'people/invitations': { POST: 'people.manage' },
  rounds: { GET: 'rounds.read' },
  'rounds/[id]': { GET: 'rounds.read' },
  'rounds/[id]/[action]': { POST: 'rounds.manage' },
  'rounds/[id]/steps': { GET: 'rounds.read' },
  runs: { POST: 'rounds.manage' },
  'runs/[id]/[action]': { POST: 'rounds.manage' },
  'sign-in': { POST: 'anybody' },
  'sign-out': { POST: 'anybody' },
};
