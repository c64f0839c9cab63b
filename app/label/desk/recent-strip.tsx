import { cn } from '../../components/ui/cn';
import { type Decision, imagesOf } from '../answers/label-state';

/** Of a group as many images as fit beside the other decisions. */
const imagesMax = 4;

/**
 * The last decisions as a contact sheet, newest first: what was picked is ringed, as with a grease
 * pencil; what is bad fades.
 */
export function RecentStrip({
  history,
  unsentLeaseIds,
  blurSensitive,
}: {
  history: Decision[];
  unsentLeaseIds: string[];
  blurSensitive: boolean;
}) {
  return (
    <ol
      aria-label="Your last decisions"
      className="relative flex h-10 items-center gap-2 overflow-hidden"
    >
      {history
        .slice(-6)
        .toReversed()
        .map((decision) => {
          const { held } = decision;
          const unsent = unsentLeaseIds.includes(held.leaseId);
          return (
            <li
              key={held.leaseId}
              title={`${words(decision)}${unsent ? ', not sent yet' : ''}`}
              className={cn('flex shrink-0 gap-0.5 rounded-sm bg-film p-1', unsent && 'opacity-50')}
            >
              <span className="sr-only">
                {words(decision)}
                {unsent ? ', not sent yet' : ''}
              </span>
              {imagesOf(held)
                .slice(0, imagesMax)
                .map((image, index) => (
                  <img
                    key={image.sampleId}
                    src={image.src}
                    alt=""
                    width={28}
                    height={28}
                    className={cn(
                      'size-7 object-cover',
                      lookOf(decision, index),
                      blurSensitive && held.sensitive && 'blur-xs',
                    )}
                  />
                ))}
            </li>
          );
        })}
    </ol>
  );
}

function lookOf(decision: Decision, index: number): string | false {
  if (decision.kind === 'tagging') {
    const { images, tagged } = decision.held;
    return tagged.includes(images[index]?.sampleId ?? '') && 'opacity-35';
  }
  const side = index === 0 ? 'left' : 'right';
  const picked =
    decision.kind === 'answer' && (decision.answer === side || decision.answer === 'tie');
  return picked ? 'rounded-full outline-2 outline-film-ink' : 'opacity-45';
}

function words(decision: Decision): string {
  if (decision.kind === 'skip') return 'Skipped';
  if (decision.kind === 'tagging') {
    const { tagged, images } = decision.held;
    return `${tagged.length === 0 ? 'None' : tagged.length} of ${images.length} bad`;
  }
  return { left: 'Left', right: 'Right', tie: 'Tie', 'both-bad': 'Both bad' }[decision.answer];
}
