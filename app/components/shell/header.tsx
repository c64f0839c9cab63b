import Link from 'next/link';
import type { Person } from '../../auth/person';
import { UnsentBadge } from '../../label/desk/unsent-badge';
import { Logo } from './logo';
import { MainNav } from './main-nav';
import { PersonMenu } from './person-menu';
import { visibleSections } from './sections';
import type { Theme } from './theme';
import { ThemeMenu } from './theme-menu';

/** The bar on top of every page: where one can go, and who one is. */
export function Header({ person, theme }: { person: Person | null; theme: Theme }) {
  return (
    <header className="sticky top-0 z-30 border-b bg-background/95 backdrop-blur">
      <div className="mx-auto flex h-14 w-full max-w-page items-center gap-1 px-2 sm:gap-6 sm:px-6">
        <Link href="/" className="flex items-center gap-2.5 rounded-sm font-semibold text-base">
          <Logo />
          <span className={person ? 'max-md:sr-only' : undefined}>Darkroom</span>
        </Link>
        {person ? (
          <>
            <MainNav sections={visibleSections(person.role)} />
            <UnsentBadge owner={person.id} />
            <PersonMenu person={person} theme={theme} />
          </>
        ) : (
          <div className="ml-auto">
            <ThemeMenu theme={theme} />
          </div>
        )}
      </div>
    </header>
  );
}
