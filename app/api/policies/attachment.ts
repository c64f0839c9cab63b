/** Headers of a file to be saved under a name that every system accepts. */
export function attachment(name: string, contentType: string): HeadersInit {
  const safe = name.replace(/[^\w.-]+/g, '-');
  return {
    'Content-Type': contentType,
    'Content-Disposition': `attachment; filename="${safe}"`,
    'Cache-Control': 'private, no-store',
  };
}
