import type { ReactNode } from 'react';
import { ReviewTabs } from './review-tabs';

/** What all review pages share: the way between them. */
export default function ReviewLayout({ children }: { children: ReactNode }) {
  return (
    <>
      <ReviewTabs />
      {children}
    </>
  );
}
