'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { cn } from '../components/ui/cn';

const tabs = [
  { href: '/review', name: 'Rates' },
  { href: '/review/flags', name: 'Flags' },
  { href: '/review/annotators', name: 'Annotators' },
];

/** The parts of review; images belong to the rates they stand behind. */
export function ReviewTabs() {
  const pathname = usePathname();
  const here = pathname === '/review/images' ? '/review' : pathname;
  return (
    <nav aria-label="Review" className="mx-auto w-full max-w-page px-4 pt-4 sm:px-6">
      <div className="flex gap-1 border-b">
        {tabs.map(({ href, name }) => (
          <Link
            key={href}
            href={href}
            aria-current={here === href ? 'page' : undefined}
            className={cn(
              '-mb-px flex min-h-11 items-center border-b-2 px-3 text-sm',
              here === href
                ? 'border-primary font-medium'
                : 'border-transparent text-muted-foreground hover:text-foreground',
            )}
          >
            {name}
          </Link>
        ))}
      </div>
    </nav>
  );
}
