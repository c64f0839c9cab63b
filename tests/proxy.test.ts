import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { NextRequest } from 'next/server';
import { expect, it } from 'vitest';
import { proxy } from '@/proxy';

function policyOf(path: string): string {
  const response = proxy(new NextRequest(`http://127.0.0.1:3000${path}`));
  return response.headers.get('content-security-policy') ?? '';
}

it('gives every page a nonce of its own and allows no other script', () => {
  const nonces = ['/label', '/label'].map((path) => /'nonce-([^']+)'/.exec(policyOf(path))?.[1]);
  expect(nonces[0]).toBeTruthy();
  expect(nonces[0]).not.toBe(nonces[1]);
  const scripts = /script-src ([^;]*)/.exec(policyOf('/label'))?.[1] ?? '';
  expect(scripts).not.toMatch(/unsafe/);
});

it('allows the one style sheet that the zoom library adds by script', () => {
  const library = readFileSync('node_modules/react-zoom-pan-pinch/dist/index.esm.js', 'utf8');
  const literal = /^var css_\w+ = (".*");$/m.exec(library)?.[1] ?? '""';
  const hash = createHash('sha256').update(JSON.parse(literal)).digest('base64');
  expect(policyOf('/label')).toContain(`'sha256-${hash}'`);
});
