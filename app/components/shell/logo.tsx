/** Two frames on a strip of film, one of them chosen. */
export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className="size-7 shrink-0">
      <rect width="32" height="32" rx="6" className="fill-film" />
      <path
        d="M5 5h4v3H5zm9 0h4v3h-4zm9 0h4v3h-4zM5 24h4v3H5zm9 0h4v3h-4zm9 0h4v3h-4z"
        className="fill-film-ink/30"
      />
      <rect x="5" y="11" width="10" height="10" rx="1" className="fill-film-ink/40" />
      <rect x="17" y="11" width="10" height="10" rx="1" className="fill-film-ink" />
    </svg>
  );
}
