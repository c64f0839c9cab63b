import { describe, expect, it } from 'vitest';
import { localUrl, readAddresses } from '@/lib/addresses';

describe('the variables of an address', () => {
  it('listen on this machine alone, believe no proxy and read no HOST when nothing is set', () => {
    const nothing = {
      host: '127.0.0.1',
      port: 3000,
      portInsisted: false,
      publicUrl: null,
      trustedProxies: [],
    };
    expect(readAddresses({})).toEqual(nothing);
    expect(readAddresses({ HOST: 'laptop.lan', HOSTNAME: 'laptop' })).toEqual(nothing);
    expect(
      readAddresses({ DARKROOM_HOST: '', DARKROOM_PORT: ' ', DARKROOM_TRUST_PROXY: ' , ' }),
    ).toEqual(nothing);
  });

  it('are read with spaces, brackets and a slash at the end', () => {
    expect(
      readAddresses({
        DARKROOM_HOST: '[::1]',
        DARKROOM_PORT: '8080',
        DARKROOM_URL: 'https://Hands.Example.org/',
        DARKROOM_TRUST_PROXY: '127.0.0.1, 10.0.0.0/8,fd00::/8',
      }),
    ).toEqual({
      host: '::1',
      port: 8080,
      portInsisted: true,
      publicUrl: 'https://hands.example.org',
      trustedProxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'],
    });
  });

  it('prefer DARKROOM_PORT to PORT', () => {
    expect(readAddresses({ PORT: '4000' })).toMatchObject({ port: 4000, portInsisted: true });
    expect(readAddresses({ PORT: '4000', DARKROOM_PORT: '5000' }).port).toBe(5000);
  });

  it.each([
    [{ DARKROOM_HOST: 'http://a' }, /DARKROOM_HOST is "http:\/\/a"/],
    [{ DARKROOM_HOST: 'a b' }, /DARKROOM_HOST is "a b"/],
    [{ DARKROOM_PORT: '0' }, /DARKROOM_PORT is "0".*1 to 65535/],
    [{ DARKROOM_PORT: '3000.5' }, /DARKROOM_PORT is "3000.5"/],
    [{ PORT: 'tcp://10.0.0.1:80' }, /^PORT is "tcp:/],
    [{ DARKROOM_URL: 'darkroom.example.org' }, /DARKROOM_URL is "darkroom.example.org"/],
    [{ DARKROOM_URL: 'https://example.org/darkroom' }, /without a path/],
    [{ DARKROOM_URL: 'https://a:b@example.org' }, /DARKROOM_URL/],
    [{ DARKROOM_URL: 'ftp://example.org' }, /DARKROOM_URL/],
    [{ DARKROOM_TRUST_PROXY: 'true' }, /DARKROOM_TRUST_PROXY is "true"/],
    [{ DARKROOM_TRUST_PROXY: '127.0.0.1, 10.0.0.0/33' }, /"10.0.0.0\/33"/],
  ])('are refused by name: %j', (environment, message) => {
    expect(() => readAddresses(environment)).toThrow(message);
  });
});

describe('the local address', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['0.0.0.0', 'http://127.0.0.1:3000'],
    ['::', 'http://[::1]:3000'],
    ['fd00::2', 'http://[fd00::2]:3000'],
    ['laptop.lan', 'http://laptop.lan:3000'],
  ])('of %s is %s', (host, url) => {
    expect(localUrl(host, 3000)).toBe(url);
  });
});
