import { countText } from '../components/figures/format';

const fills = ['bg-chart-1', 'bg-chart-2', 'bg-chart-3', 'bg-chart-4'];

/** Parts of a whole as one bar and, because a bar alone is no number, as a list. */
export function Shares({
  title,
  total,
  parts,
}: {
  title: string;
  total: number;
  parts: { name: string; count: number }[];
}) {
  return (
    <div className="min-w-0">
      <h3 className="font-medium text-sm">
        {title} <span className="font-normal text-muted-foreground">{countText(total)}</span>
      </h3>
      <div aria-hidden className="mt-2 flex h-2 gap-px overflow-hidden rounded-full bg-muted">
        {parts.map(({ name, count }, index) => (
          <div
            key={name}
            className={fills[index]}
            style={{ width: `${total > 0 ? (100 * count) / total : 0}%` }}
          />
        ))}
      </div>
      <dl className="mt-2 text-sm">
        {parts.map(({ name, count }, index) => (
          <div key={name} className="flex items-center gap-2 py-0.5">
            <span aria-hidden className={`size-2.5 shrink-0 rounded-sm ${fills[index]}`} />
            <dt className="min-w-0 flex-1 truncate">{name}</dt>
            <dd className="text-muted-foreground tabular-nums">{countText(count)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
