/** Next's command line without its telemetry: nothing here calls out. */
process.env.NEXT_TELEMETRY_DISABLED = '1';
await import('next/dist/bin/next');
