import { describe, expect, it } from 'vitest';
import { refuseForeignOrigin } from '@/app/http/same-origin';

function request(headers: Record<string, string>): Request {
  return new Request('http://127.0.0.1:3000/api/label/skip', {
    method: 'POST',
    headers: { host: '127.0.0.1:3000', ...headers },
  });
}

describe('requests from', () => {
  it.each([
    ['our own page', { 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:3000' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['our own page in an old browser', { origin: 'http://127.0.0.1:3000' }],
    ['a script that is no browser', {}],
  ])('%s pass', (_, headers) => {
    expect(() => refuseForeignOrigin(request(headers as Record<string, string>))).not.toThrow();
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['another port of this host', { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:8' }],
    ['another site in an old browser', { origin: 'https://evil.example' }],
    ['a page without origin', { origin: 'null' }],
  ])('%s are refused', (_, headers) => {
    expect(() => refuseForeignOrigin(request(headers as Record<string, string>))).toThrow(
      /comes from/,
    );
  });
});

it('from the address that people open pass, whatever Host a proxy writes', () => {
  const headers = { origin: 'https://darkroom.example.org' };
  expect(() => refuseForeignOrigin(request(headers))).toThrow(/comes from https/);
  process.env.DARKROOM_URL = 'https://darkroom.example.org/';
  try {
    expect(() => refuseForeignOrigin(request(headers))).not.toThrow();
    expect(() => refuseForeignOrigin(request({ origin: 'https://evil.example' }))).toThrow();
  } finally {
    delete process.env.DARKROOM_URL;
  }
});
