'use client';

import { PartyPopper } from 'lucide-react';
import type { FlagState } from '@/lib/flags';
import type { FlagsQuery, FlagsView as View } from '../../api/review/schema';
import { countText } from '../../components/figures/format';
import { Button } from '../../components/ui/button';
import { Notice } from '../../components/ui/notice';
import { FilterSelect } from '../filter-select';
import { kindOptions, sourceOptions } from '../options';
import { FlagDesk } from './flag-desk';
import { useFlagQueue } from './use-flag-queue';

const path = '/review/flags';

const stateNames: Record<FlagState, string> = {
  open: 'To be checked',
  confirmed: 'Confirmed',
  rejected: 'Rejected',
};

/** The queue of flags with its filters. */
export function FlagsView({
  query,
  initial,
  blurNsfw,
}: {
  query: FlagsQuery;
  initial: View;
  blurNsfw: boolean;
}) {
  const queue = useFlagQueue(query, initial);
  const filter = { path, params: query };
  return (
    <div data-blur={blurNsfw || undefined} className="flex flex-col gap-4">
      <div className="flex flex-wrap gap-3">
        <FilterSelect
          {...filter}
          label="State"
          name="state"
          value={query.state}
          options={(Object.keys(stateNames) as FlagState[]).map((state) => ({
            value: state,
            label: `${stateNames[state]} (${countText(queue.counts[state])})`,
          }))}
        />
        <FilterSelect
          {...filter}
          label="Kind"
          name="kind"
          value={query.kind}
          options={[{ value: 'any', label: 'Any kind' }, ...kindOptions.slice(1)]}
        />
        <FilterSelect
          {...filter}
          label="Source"
          name="source"
          value={query.source}
          options={sourceOptions}
        />
      </div>
      {queue.current ? (
        <FlagDesk queue={queue} />
      ) : (
        <Notice
          icon={PartyPopper}
          title={query.state === 'open' ? 'Nothing is left to check' : 'No such flag'}
          action={
            queue.flags.length > 0 ? <Button onClick={queue.refill}>Look for more</Button> : null
          }
        >
          {query.state === 'open'
            ? 'New flags come from people who label and from the judge.'
            : 'Nobody has decided so yet.'}
        </Notice>
      )}
    </div>
  );
}
