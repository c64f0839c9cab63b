'use client';

import { useRouter } from 'next/navigation';
import { Select, type SelectOption } from '../components/ui/select';
import { withParams } from './search-params';

/**
 * One part of a filter that lives in the address, so that what one looks at can be shared and gone
 * back to.
 */
export function FilterSelect<Value extends string>({
  label,
  name,
  value,
  options,
  path,
  params,
}: {
  label: string;
  /** The parameter that it sets. */
  name: string;
  value: Value;
  options: readonly SelectOption<Value>[];
  path: string;
  params: Record<string, string | undefined>;
}) {
  const router = useRouter();
  return (
    <Select
      label={label}
      value={value}
      options={options}
      onChange={(next) =>
        router.push(withParams(path, { ...params, [name]: next }), { scroll: false })
      }
      className="w-52"
    />
  );
}
