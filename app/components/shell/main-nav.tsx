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

/** The app's sections; icons alone where a phone has no room for words. */
export function MainNav({ sections }: { sections: Section[] }) {
  const pathname = usePathname();
  return (
    <nav
      aria-label="Sections"
      className="flex h-full min-w-0 flex-1 items-stretch gap-0.5 sm:gap-1"
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
              'relative flex min-w-11 items-center justify-center gap-2 px-2.5 text-sm transition-colors sm:px-3',
              current
                ? 'font-medium text-foreground'
                : 'text-muted-foreground hover:text-foreground',
              current &&
                'after:absolute after:inset-x-2 after:-bottom-px after:h-0.5 after:bg-primary',
            )}
          >
            <Icon aria-hidden className="size-4.5 shrink-0 md:size-4" />
            <span className="max-sm:sr-only">{name}</span>
          </Link>
        );
      })}
    </nav>
  );
}
