'use client';

import { ImageOff } from 'lucide-react';
import { useState } from 'react';
import type { ImagesQuery, ImagesView as View } from '../../api/review/schema';
import type { PolicyRef } from '../../api/rounds/schema';
import { plural } from '../../components/figures/format';
import { DefectMarks, Picture } from '../../components/film/picture';
import { Button } from '../../components/ui/button';
import { Notice } from '../../components/ui/notice';
import { FilterSelect } from '../filter-select';
import { kindOptions, purposeOptions, sourceOptions } from '../options';
import { useReviewImages } from '../queries';
import { ImageDialog } from './image-dialog';

const path = '/review/images';

/**
 * A contact sheet of a policy's images, filtered by flag; a press shows one in large with its
 * flags.
 */
export function ImagesView({
  query,
  first,
  policies,
  mayDecide,
  blurNsfw,
}: {
  query: ImagesQuery;
  first: View;
  policies: PolicyRef[];
  mayDecide: boolean;
  blurNsfw: boolean;
}) {
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useReviewImages(query, first);
  const [open, setOpen] = useState<string | null>(null);
  const images = data.pages.flatMap((page) => page.images);
  const filter = { path, params: query };
  const at = images.findIndex(({ image }) => image.sampleId === open);

  return (
    <div data-blur={blurNsfw || undefined} className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <FilterSelect
          {...filter}
          label="Policy"
          name="policy"
          value={query.policy}
          options={policies.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <FilterSelect
          {...filter}
          label="Flag"
          name="kind"
          value={query.kind}
          options={kindOptions}
        />
        <FilterSelect
          {...filter}
          label="Flagged"
          name="source"
          value={query.source}
          options={sourceOptions}
        />
        <FilterSelect
          {...filter}
          label="Images"
          name="purpose"
          value={query.purpose}
          options={purposeOptions}
        />
        <p role="status" className="text-muted-foreground text-sm tabular-nums">
          {plural(images.length, 'image')}
          {hasNextPage ? ' so far' : ''}
        </p>
      </div>
      {images.length === 0 ? (
        <Notice icon={ImageOff} title="No such image">
          Nothing this policy has drawn fits the filter.
        </Notice>
      ) : (
        <ul className="grid grid-cols-3 gap-2 rounded-md bg-film p-3 sm:grid-cols-6 lg:grid-cols-8 xl:grid-cols-10">
          {images.map(({ image, prompt, seed }, index) => (
            <li key={image.sampleId}>
              <button
                type="button"
                aria-label={`${prompt}, seed ${seed}`}
                onClick={() => setOpen(image.sampleId)}
                className="relative block w-full hover:shadow-[0_0_0_2px_var(--film-ink)]"
              >
                <Picture image={image} prompt={prompt} />
                <DefectMarks image={image} />
              </button>
              <p aria-hidden className="edge-print mt-1 text-film-ink/90">
                ▸ {index + 1}
              </p>
            </li>
          ))}
        </ul>
      )}
      {hasNextPage ? (
        <div className="flex justify-center">
          <Button busy={isFetchingNextPage} onClick={() => fetchNextPage()}>
            More images
          </Button>
        </div>
      ) : null}
      <ImageDialog
        shown={images[at] ?? null}
        mayDecide={mayDecide}
        onStep={(by) =>
          setOpen(images[(at + by + images.length) % images.length]?.image.sampleId ?? null)
        }
        onClose={() => setOpen(null)}
      />
    </div>
  );
}
