'use client';

import { Check, SunMoon } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../ui/button';
import { Menu, MenuItem } from '../ui/menu';
import { applyTheme, type Theme, themes } from './theme';

const names: Record<Theme, string> = {
  system: 'Like the system',
  light: 'Light paper',
  dark: 'Dark',
};

/** The items that choose a theme, for any menu. */
export function ThemeItems({ theme }: { theme: Theme }) {
  const [chosen, setChosen] = useState(theme);
  return themes.map((candidate) => (
    <MenuItem
      key={candidate}
      aria-label={`Theme: ${names[candidate]}${candidate === chosen ? ', chosen' : ''}`}
      onClick={() => {
        applyTheme(candidate);
        setChosen(candidate);
      }}
    >
      <Check aria-hidden className={candidate === chosen ? 'text-primary' : 'invisible'} />
      {names[candidate]}
    </MenuItem>
  ));
}

/** The theme switch for people who are not signed in. */
export function ThemeMenu({ theme }: { theme: Theme }) {
  return (
    <Menu
      trigger={
        <Button look="quiet" size="icon" aria-label="Theme">
          <SunMoon aria-hidden />
        </Button>
      }
    >
      <ThemeItems theme={theme} />
    </Menu>
  );
}
