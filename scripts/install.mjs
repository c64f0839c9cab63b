/**
 * @file What has to be right before anything of the project can be imported: Node and its packages.
 * Plain JavaScript without dependencies, because at this point there may be none.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const oldestNode = [20, 19];

/** Remedies by what npm's output says; the first that matches counts. */
const remedies = [
  [/ENOSPC/, 'The disk is full: free 2 GB and run the command again.'],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|network/i,
    'The package registry cannot be reached: check the connection or the proxy (npm config get registry).',
  ],
  [
    /package-lock\.json.*in sync|EUSAGE/s,
    'package.json and package-lock.json disagree: run `npm install`, look at the change, commit both.',
  ],
  [
    /gyp ERR|not found: make|g\+\+/,
    'better-sqlite3 found no ready-made binary and could not be compiled. It needs Python 3, make and a C++ compiler:\n' +
      '  Debian, Ubuntu  apt-get install -y python3 make g++\n' +
      '  Fedora          dnf install -y python3 make gcc-c++\n' +
      '  macOS           xcode-select --install',
  ],
  [/EACCES|EPERM/, 'npm may not write here: make the folder writable for you.'],
];

/** Ends the process with a clear sentence when Node is older than the project can run on. */
function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  console.error(
    `Darkroom needs Node ${oldestNode.join('.')} or newer; this is Node ${process.versions.node} ` +
      `(${process.execPath}).\nInstall a current one from https://nodejs.org and run the command again.`,
  );
  process.exit(1);
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

/**
 * Whether node_modules holds what package-lock.json asks for (packages for other systems aside).
 */
function isInstalled() {
  const wanted = readPackages(`${root}package-lock.json`);
  const present = readPackages(`${root}node_modules/.package-lock.json`);
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (!present[path] && optional),
  );
}

/** Runs npm without a shell where npm started us, so that the same npm is used. */
function npm(args) {
  const self = process.env.npm_execpath;
  const [command, prefix] = self?.endsWith('.js') ? [process.execPath, [self]] : ['npm', []];
  const child = spawn(command, [...prefix, ...args], {
    cwd: root,
    // The CUDA libraries are a download of their own (`npm run cuda`) and must not break an offline
    // install.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && process.platform === 'win32',
  });
  return new Promise((resolve) => {
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Runs npm to its end, or ends the process with npm's last lines and a remedy. */
async function npmOrExit(args, announcement) {
  const startedAt = Date.now();
  console.log(`  · packages     ${announcement}`);
  const { code, output } = await npm(args);
  if (code !== 0) {
    const remedy = remedies.find(([pattern]) => pattern.test(output))?.[1];
    console.error(`${output.trimEnd().split('\n').slice(-25).join('\n')}\n`);
    console.error(`npm ${args[0]} failed with exit code ${code}.${remedy ? `\n${remedy}` : ''}`);
    process.exit(1);
  }
  console.log(`  ✓ packages     installed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/**
 * Whether the one compiled package fits this Node: another version of Node needs another binary.
 */
async function isCompiled() {
  try {
    const { default: Sqlite } = await import('better-sqlite3');
    new Sqlite(':memory:').close();
    return true;
  } catch {
    return false;
  }
}

async function installPackages() {
  if (!isInstalled()) {
    const announcement = 'installing, one to three minutes the first time';
    await npmOrExit(['ci', '--include=dev', '--no-audit', '--no-fund'], announcement);
  }
  if (!(await isCompiled())) {
    const announcement = `building better-sqlite3 for Node ${process.versions.node}`;
    await npmOrExit(['rebuild', 'better-sqlite3'], announcement);
  }
}

/**
 * Makes sure that Node and packages are there, then runs a TypeScript file in this process.
 * @param {string} file path relative to the project root
 * @param {{ install: boolean }} options whether missing packages are installed or only reported
 */
export async function runInstalled(file, { install }) {
  requireNode();
  process.chdir(root);
  if (install) await installPackages();
  else if (!isInstalled()) {
    console.error('  ✗ packages     not installed as package-lock.json asks: npm ci, or npm start');
    process.exit(1);
  }
  const { register } = await import('tsx/esm/api');
  register();
  await import(pathToFileURL(`${root}${file}`).href);
}
