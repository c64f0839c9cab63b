import { imagesOfPolicy } from '@/db/figures/review';
import { declaredJudge } from '@/db/policies/declared';
import { isAmong, listedPolicies } from '@/db/policies/list';
import type { ImagesQuery, ImagesView } from '../../api/review/schema';
import { showImage } from '../images/show';

const pageSize = 60;

/** The images behind a rate, a page at a time. */
export async function loadImages({
  policy,
  kind,
  source,
  purpose,
  drawing,
  after,
}: ImagesQuery): Promise<ImagesView> {
  const found = await imagesOfPolicy({
    policyId: policy,
    defect: kind === 'any' ? null : kind,
    source: source === 'any' ? undefined : source,
    purpose: purpose === 'any' ? undefined : purpose,
    drawing,
    after,
    limit: pageSize + 1,
  });
  const [listed] = await listedPolicies(isAmong([policy]));
  const judge = listed ? await declaredJudge(listed.pipeline) : null;
  const page = found.slice(0, pageSize);
  return {
    images: page.map(({ sample, flags }) => ({
      image: showImage(sample, judge),
      prompt: sample.prompt,
      seed: sample.seed,
      flags: flags.map(({ id, kind, source, state }) => ({ id, kind, source, state })),
    })),
    next: found.length > pageSize ? (page.at(-1)?.sample.id ?? null) : null,
  };
}
