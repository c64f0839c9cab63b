'use client';

import { LogOut, Settings, UserRound } from 'lucide-react';
import Link from 'next/link';
import type { Person } from '../../auth/person';
import { signOut } from '../../auth/sign-out';
import { Button } from '../ui/button';
import { Menu, MenuItem, MenuLink, MenuSeparator } from '../ui/menu';
import type { Theme } from './theme';
import { ThemeItems } from './theme-menu';

/** Who is signed in, their settings, the theme, and the way out. */
export function PersonMenu({ person, theme }: { person: Person; theme: Theme }) {
  return (
    <Menu
      trigger={
        <Button look="quiet" size="icon" aria-label={`Your account, ${person.name}`}>
          <UserRound aria-hidden />
        </Button>
      }
    >
      <div className="px-2.5 py-2">
        <p className="max-w-60 truncate font-medium text-sm">{person.name}</p>
        <p className="edge-print text-muted-foreground">{person.role}</p>
      </div>
      <MenuSeparator />
      <MenuLink render={<Link href="/account" />}>
        <Settings aria-hidden /> Your settings
      </MenuLink>
      <MenuSeparator />
      <ThemeItems theme={theme} />
      <MenuSeparator />
      <MenuItem onClick={signOut}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
