// No calls out, in development either (the build tool would otherwise report its use, and ask
// whether it is up to date).
process.env.NEXT_TELEMETRY_DISABLED = '1';
if (process.env.NODE_ENV === 'development') forbidRegistry();

/**
 * `next dev` asks the registry for the newest Next whenever a browser comes, and no setting keeps
 * it from that.
 */
function forbidRegistry() {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    if (href.startsWith('https://registry.npmjs.org/')) throw new TypeError('nothing calls out');
    return fetch(input, init);
  };
}

/**
 * Headers that hold for every answer; the Content-Security-Policy needs a nonce and stands in
 * proxy.ts.
 */
const securityHeaders = [
  { key: 'X-Content-Type-Options', value: 'nosniff' },
  { key: 'X-Frame-Options', value: 'DENY' },
  { key: 'Referrer-Policy', value: 'same-origin' },
  { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
  { key: 'Cross-Origin-Resource-Policy', value: 'same-origin' },
  {
    key: 'Permissions-Policy',
    value: 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  },
];

/** @type {import('next').NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  // Native addon: it must be loaded by Node, not bundled.
  serverExternalPackages: ['better-sqlite3'],
  // `npm run check` type-checks the whole project; a build on somebody's laptop must not repeat it.
  typescript: { ignoreBuildErrors: true },
  // Pages answer 401 and 403 with their own screens.
  // The others: a build would ask for security advisories, and spend a fifth of its time on a cache
  // of 160 MB for the next one.
  experimental: {
    authInterrupts: true,
    agentUpgrade: false,
    turbopackFileSystemCacheForBuild: false,
  },
  headers: async () => [{ source: '/:path*', headers: securityHeaders }],
};

export default config;
