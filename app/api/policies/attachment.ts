import { fileName } from './file-names';

/** Headers of a file to be saved under a name that every system accepts. */
export function attachment(name: string, contentType: string): HeadersInit {
  return {
    'Content-Type': contentType,
    'Content-Disposition': `attachment; filename="${fileName(name)}"`,
    'Cache-Control': 'private, no-store',
  };
}
