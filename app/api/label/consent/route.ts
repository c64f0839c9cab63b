import { latestGuidelines, recordConsent } from '@/db/guidelines';
import { setBlurNsfw } from '@/db/users';
import { AppError } from '@/lib/errors';
import { route } from '../../../http/define-route';
import { labelLimit } from '../../../http/rate-limit';
import { consentRequestSchema } from '../schema';

/**
 * Records that the guidelines in force were read and accepted, and how sensitive images are to be shown.
 * Agreeing to see them plainly is a consent of its own.
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
