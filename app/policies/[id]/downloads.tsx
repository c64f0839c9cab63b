import { Download } from 'lucide-react';
import type { PolicyDetail } from '../../api/policies/schema';
import { countText } from '../../components/figures/format';
import { buttonClass } from '../../components/ui/button-class';
import { Card, CardHeading } from '../../components/ui/card';
import { CopiedText } from './copied-text';
import { downloadsOf, recipesOf } from './recipes';

/** A policy's files for other programs, and what to type there. */
export function Downloads({
  policy,
  adapter,
}: {
  policy: PolicyDetail['policy'];
  adapter: NonNullable<PolicyDetail['adapter']>;
}) {
  return (
    <Card aria-label="Use it elsewhere">
      <CardHeading title="Use it elsewhere">
        Safetensors of about {sizeText(adapter.bytes)}, at strength 1 in every program.
      </CardHeading>
      <ul className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
        {downloadsOf(adapter.names).map(({ names, label, about }) => (
          <li key={names} className="flex flex-col items-start gap-2">
            <a
              href={`/api/policies/${policy.id}/adapter?names=${names}`}
              download
              className={buttonClass()}
            >
              <Download aria-hidden /> {label}
            </a>
            <p className="text-muted-foreground text-sm">{about}</p>
          </li>
        ))}
      </ul>
      <dl className="mt-6 grid gap-x-6 gap-y-5 lg:grid-cols-2">
        {recipesOf(adapter.names, policy.name).map(({ program, about, lines }) => (
          <div key={program} className="flex min-w-0 flex-col gap-2 border-t pt-4">
            <dt className="font-medium text-sm">{program}</dt>
            <dd className="flex flex-col gap-2">
              <p className="text-muted-foreground text-sm">{about}</p>
              {lines.map(({ what, text }) => (
                <CopiedText key={what} what={`${what} for ${program}`} text={text} />
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${countText(bytes)} B`;
  return bytes < 1024 * 1024
    ? `${countText(Math.round(bytes / 1024))} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
