import { describe, expect, it } from 'vitest';
import { actions, allowedWhilePaused, can, rolesAllowed } from '@/lib/permissions';
import { roles } from '@/lib/roles';

describe('permissions', () => {
  it('give an admin everything and an annotator only what labeling needs', () => {
    expect(actions.filter((action) => !can('admin', action))).toEqual([]);
    expect(actions.filter((action) => can('annotator', action))).toEqual([
      'label',
      'images.read',
      'events.read',
    ]);
  });

  it('never let a role do less than the one below it', () => {
    roles.slice(1).forEach((role, i) => {
      const below = actions.filter((action) => can(roles[i]!, action));
      expect(below.filter((action) => !can(role, action))).toEqual([]);
    });
  });

  it('leave somebody paused what reads, and nothing else', () => {
    const left = actions.filter(allowedWhilePaused);
    expect(left).toContain('images.read');
    expect(left.filter((action) => !action.endsWith('.read'))).toEqual([]);
  });

  it('keep training from reviewers and people from researchers', () => {
    expect(can('reviewer', 'rounds.manage')).toBe(false);
    expect(rolesAllowed('people.manage')).toEqual(['admin']);
  });
});
