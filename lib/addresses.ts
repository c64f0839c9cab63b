/**
 * @file Where the web app listens and how it is reached from outside: the variables DARKROOM_HOST,
 * DARKROOM_PORT, DARKROOM_URL and DARKROOM_TRUST_PROXY, read and checked in one place.
 */
import { z } from 'zod';
import { AppError } from './errors';

export type Addresses = {
  /** What to listen on: a name or an IP address, IPv6 without brackets. */
  host: string;
  port: number;
  /** Whether the port was asked for; one that was not may give way to the next free one. */
  portInsisted: boolean;
  /** The origin that people type, where it is not the local one: no path, no slash at the end. */
  publicUrl: string | null;
  /** Addresses and ranges (CIDR) of proxies whose X-Forwarded-For is believed; none by default. */
  trustedProxies: string[];
};

type Environment = Record<string, string | undefined>;

const hostDefault = '127.0.0.1';
const portDefault = 3000;

const hostSchema = z.union([z.ipv4(), z.ipv6(), z.hostname()]);
const portSchema = z.coerce.number().int().min(1).max(65_535);
const proxySchema = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/**
 * Reads the four variables; an empty one counts as not set. The port may also stand in PORT, as
 * platforms set it. Throws 'bad-request' naming the variable, its value and what would be right.
 */
export function readAddresses(environment: Environment): Addresses {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const portName = value('DARKROOM_PORT') === undefined ? 'PORT' : 'DARKROOM_PORT';
  const port = value(portName);
  const url = value('DARKROOM_URL');
  return {
    host: checkedHost(value('DARKROOM_HOST') ?? hostDefault),
    port: port === undefined ? portDefault : checkedPort(portName, port),
    portInsisted: port !== undefined,
    publicUrl: url === undefined ? null : checkedUrl(url),
    trustedProxies: (value('DARKROOM_TRUST_PROXY') ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
      .map(checkedProxy),
  };
}

/**
 * The address under which this machine itself reaches what listens on `host`: every address
 * includes the local one.
 */
export function localUrl(host: string, port: number): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

function checkedHost(text: string): string {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  if (hostSchema.safeParse(host).success) return host;
  throw wrong('DARKROOM_HOST', text, 'an address or name to listen on, like 127.0.0.1 or 0.0.0.0');
}

function checkedPort(name: string, text: string): number {
  const port = portSchema.safeParse(text);
  if (port.success) return port.data;
  throw wrong(name, text, 'a port from 1 to 65535');
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    url.pathname === '/';
  if (isOrigin) return url.origin;
  throw wrong(
    'DARKROOM_URL',
    text,
    'the address that people open, like https://darkroom.example.org, without a path: Darkroom needs a host of its own',
  );
}

function checkedProxy(text: string): string {
  if (proxySchema.safeParse(text).success) return text;
  throw wrong(
    'DARKROOM_TRUST_PROXY',
    text,
    'the addresses of the proxies in front of Darkroom, like 127.0.0.1 or 10.0.0.0/8, with commas between them',
  );
}

function wrong(name: string, value: string, right: string): AppError {
  return new AppError('bad-request', `${name} is "${value}"; it must be ${right}.`);
}
