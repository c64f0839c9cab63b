import { route } from '@/app/http/define-route';
import { labelLimit } from '@/app/http/rate-limit';
import { latestGuidelines, recordConsent } from '@/db/labeling/guidelines';
import { setBlurNsfw } from '@/db/people/users';
import { AppError } from '@/lib/errors';
import { consentRequestSchema } from '../schema';

/**
 * Records that the guidelines in force were read and accepted, and how sensitive images are to be
 * shown. Agreeing to see them plainly is a consent of its own.
 */
export const POST = route(
  { needs: 'label', body: consentRequestSchema, limit: labelLimit },
  async ({ person, body: { version, blurNsfw } }) => {
    const current = await latestGuidelines();
    if (current?.version !== version) {
      throw new AppError(
        'conflict',
        `Version ${version} of the guidelines is not in force; read version ${current?.version ?? 'none'}.`,
      );
    }
    await recordConsent({ userId: person.id, kind: 'terms', version });
    if (!blurNsfw) await recordConsent({ userId: person.id, kind: 'nsfw', version });
    await setBlurNsfw(person.id, blurNsfw);
  },
);
