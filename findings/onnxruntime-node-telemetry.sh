#!/usr/bin/env bash
# onnxruntime-node 1.30.0 on Linux x64 reports its use to Microsoft by default, and nothing in its JavaScript API or its README
# says so or turns it off. With the first session (not when it is imported) it writes a device id and an event database to
# $XDG_CACHE_HOME/Microsoft/DeveloperTools/.onnxruntime, and seconds later its own HTTP client, which Node cannot see, opens a
# connection to mobile.events.data.microsoft.com. Guess wrong: that ONNX Runtime's official builds outside Windows carry no
# telemetry, or that a tool that looks clean in CI (where a variable like CI or GITHUB_ACTIONS keeps it still) is clean on a
# laptop. ORT_DISABLE_TELEMETRY=1 turns it off, also when JavaScript sets it, as long as that is before the first session;
# "0" and "false" leave it on.
#
# Here the connection is made to a proxy of our own on 127.0.0.1, which hangs up: nothing leaves this machine.
# Output seen (Node 20.20.2, Debian 12, x64):
#   import only: 0 files
#   one session: Microsoft/DeveloperTools/.onnxruntime/deviceid Microsoft/DeveloperTools/.onnxruntime/onnxruntime.db; asks the
#     proxy for mobile.events.data.microsoft.com:443
#   one session, CI=true: 0 files
#   one session, ORT_DISABLE_TELEMETRY=1 set from JavaScript after the import: 0 files
set -euo pipefail

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo 'skipped: seen in the builds for Linux x64 only'
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
ONNXRUNTIME_NODE_INSTALL=skip npm install --no-audit --no-fund --save-exact onnxruntime-node@1.30.0 >> npm.log 2>&1

cat > probe.mjs <<'JS'
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

// y = x + x for one float: a whole model of ONNX in 70 bytes.
const sum =
  'CAg6PAoTCgF4CgF4EgF5GgNzdW0iA0FkZBIDc3VtWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQEg==';
const user = `
  const ort = (await import('onnxruntime-node')).default;
  const [what, waitMs] = process.argv.slice(1);
  if (what === 'quiet') process.env.ORT_DISABLE_TELEMETRY = '1';
  if (what !== 'import') {
    const session = await ort.InferenceSession.create(Buffer.from('${sum}', 'base64'));
    const { y } = await session.run({ x: new ort.Tensor('float32', [21], [1]) });
    if (y.data[0] !== 42) throw new Error('the model computes ' + y.data);
  }
  await new Promise((resolve) => setTimeout(resolve, Number(waitMs)));
`;
const buildServers = ['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'GITLAB_CI', 'CIRCLECI', 'TRAVIS', 'JENKINS_URL'];
buildServers.push('CODEBUILD_BUILD_ID', 'BUILDKITE', 'TEAMCITY_VERSION', 'APPVEYOR', 'ORT_DISABLE_TELEMETRY');

const asked = new Set();
const proxy = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (chunk) => {
    asked.add(chunk.toString().split(' ')[1]);
    socket.destroy();
  });
});
await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
const proxyUrl = `http://127.0.0.1:${proxy.address().port}`;

/** The files that one process leaves in an empty cache folder, and whom it has asked the proxy for. */
async function use(what, { waitMs = 0, more = {} } = {}) {
  const cache = mkdtempSync(join(process.cwd(), 'cache-'));
  const env = { ...process.env, XDG_CACHE_HOME: cache, HOME: cache, https_proxy: proxyUrl, ...more };
  for (const name of buildServers) if (!(name in more)) delete env[name];
  asked.clear();
  const args = ['--input-type=module', '--eval', user, what, String(waitMs)];
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the probe "${what}" ended with ${code}`);
  const files = readdirSync(cache, { recursive: true }).filter((path) =>
    statSync(join(cache, path)).isFile(),
  );
  return { files, asked: [...asked] };
}

const expectations = [];
const expect = (what, holds) => expectations.push([what, holds]);

const imported = await use('import');
console.log(`import only: ${imported.files.length} files`);
expect('an import alone writes nothing', imported.files.length === 0);

const loud = await use('session', { waitMs: 15_000 });
console.log(`one session: ${loud.files.sort().join(' ')}; asks the proxy for ${loud.asked.join(' ')}`);
const written = (name) => loud.files.some((path) => path.endsWith(`.onnxruntime/${name}`));
expect('a device id and an event database are written', written('deviceid') && written('onnxruntime.db'));
expect('Microsoft is called', loud.asked.includes('mobile.events.data.microsoft.com:443'));

const server = await use('session', { more: { CI: 'true' } });
console.log(`one session, CI=true: ${server.files.length} files`);
expect('a build server sees nothing of it', server.files.length === 0);

const quiet = await use('quiet', { waitMs: 15_000 });
console.log(`one session, ORT_DISABLE_TELEMETRY=1 set from JavaScript after the import: ${quiet.files.length} files`);
expect('the variable turns it off', quiet.files.length === 0 && quiet.asked.length === 0);

const changed = expectations.filter(([, holds]) => !holds).map(([what]) => what);
for (const what of changed) console.error(`changed: ${what}`);
process.exit(changed.length > 0 ? 1 : 0);
JS
node probe.mjs
