import Link from 'next/link';
import { buttonClass } from '../components/ui/button-class';

/** Which pipeline a page is about; nothing where there is only one. */
export function PipelineTabs({
  pipelines,
  current,
  path,
}: {
  pipelines: string[];
  current: string | null;
  path: string;
}) {
  if (pipelines.length < 2) return null;
  return (
    <nav aria-label="Pipelines" className="flex flex-wrap gap-1">
      {pipelines.map((pipeline) => (
        <Link
          key={pipeline}
          href={`${path}?pipeline=${encodeURIComponent(pipeline)}`}
          aria-current={pipeline === current ? 'page' : undefined}
          className={buttonClass({
            look: pipeline === current ? 'outline' : 'quiet',
            size: 'small',
            className: 'max-w-60',
          })}
        >
          {/* The end of a path tells pipelines apart. */}
          <span className="truncate">{pipeline.split('/').at(-1)}</span>
        </Link>
      ))}
    </nav>
  );
}
