/**
 * @file Preloaded into every Node process of a Darkroom under test: writes each address outside
 * this machine that is called or asked for to the file that DARKROOM_CALLS names. Plain JavaScript,
 * because it is there before any compiler.
 */
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const local = /^(localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|::)$/;

function record(what, host) {
  if (typeof host !== 'string' || local.test(host)) return;
  appendFileSync(process.env.DARKROOM_CALLS, `${what} ${host}: ${process.argv.join(' ')}\n`);
}

function watch(object, name, hostOf) {
  const original = object[name];
  object[name] = function (...given) {
    record(name, hostOf(given));
    return original.apply(this, given);
  };
}

for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
  watch(dns, name, ([host]) => host);
  watch(dns.promises, name, ([host]) => host);
}
watch(net.Socket.prototype, 'connect', ([given]) => {
  const options = Array.isArray(given) ? given[0] : given;
  return options?.path ? undefined : options?.host;
});
syncBuiltinESMExports();
