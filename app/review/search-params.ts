/** What Next hands a page of its address. */
export type SearchParams = Record<string, string | string[] | undefined>;

/** The first value of each parameter: ours never repeat. */
export function firstValues(params: SearchParams): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, Array.isArray(value) ? value[0] : value]),
  );
}

/** An address with these parameters, those that are undefined left out. */
export function withParams(
  path: string,
  params: Record<string, string | number | undefined>,
): string {
  const said = Object.entries(params).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  );
  const query = new URLSearchParams(said).toString();
  return query ? `${path}?${query}` : path;
}
