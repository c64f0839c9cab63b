import { readAddresses } from '@/lib/addresses';
import { AppError } from '@/lib/errors';

/**
 * Refuses a change that a foreign page asks for. Browsers always say where such a request comes
 * from (Sec-Fetch-Site, Origin); a client that says neither is no browser and carries nobody's
 * cookies.
 */
export function refuseForeignOrigin(request: Request): void {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) {
    if (site === 'same-origin' || site === 'none') return;
    throw refusal(`a ${site} page`);
  }
  const origin = request.headers.get('origin');
  if (origin === null) return;
  if (hostOf(origin) === request.headers.get('host')) return;
  // A proxy may write a Host of its own; what people open stands in the settings.
  if (origin === readAddresses(process.env).publicUrl) return;
  throw refusal(origin);
}

function refusal(from: string): AppError {
  return new AppError(
    'forbidden',
    `This request comes from ${from}. Open Darkroom itself and do it there.`,
  );
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
