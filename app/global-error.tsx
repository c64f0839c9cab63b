'use client';

/**
 * The last resort, when even the layout failed: it may rely on nothing, not even the style sheet.
 */
export default function GlobalError({ retry }: { error: unknown; retry: () => void }) {
  return (
    <html lang="en">
      <body>
        <h1>Darkroom cannot show this page</h1>
        <p>Something failed on our side. The log of the server has the cause. Nothing is lost.</p>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </body>
    </html>
  );
}
