'use client';

import {
  Columns2,
  GitFork,
  type LucideIcon,
  RefreshCw,
  Scale,
  ShieldCheck,
  Users,
} from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { cn } from '../ui/cn';
import type { Section } from './sections';

const icons: Record<Section['name'], LucideIcon> = {
  Label: Columns2,
  Rounds: RefreshCw,
  Policies: GitFork,
  Rewards: Scale,
  Review: ShieldCheck,
  People: Users,
};

/** The app's sections; on a phone their names stand below the icons. */
export function MainNav({ sections }: { sections: Section[] }) {
  const pathname = usePathname();
  return (
    <nav
      aria-label="Sections"
      className="flex h-full min-w-0 flex-1 items-stretch overflow-x-auto sm:gap-1 sm:overflow-visible"
    >
      {sections.map(({ href, name }) => {
        const Icon = icons[name];
        const current = pathname === href || pathname.startsWith(`${href}/`);
        return (
          <Link
            key={href}
            href={href}
            aria-current={current ? 'page' : undefined}
            className={cn(
              'relative flex min-w-11 items-center justify-center px-0.5 text-xs transition-colors max-sm:flex-col max-sm:gap-0.5 max-sm:tracking-tight sm:gap-2 sm:px-3 sm:text-sm',
              current
                ? 'font-medium text-foreground'
                : 'text-muted-foreground hover:text-foreground',
              current &&
                'after:absolute after:inset-x-1 after:bottom-0 sm:after:inset-x-2 sm:after:-bottom-px after:h-0.5 after:bg-primary',
            )}
          >
            <Icon aria-hidden className="size-4.5 shrink-0 md:size-4" />
            {name}
          </Link>
        );
      })}
    </nav>
  );
}
