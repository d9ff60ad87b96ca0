import { createHash } from 'node:crypto';

export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** Sent with every file. Workers take their policy from their own script's answer, so scripts carry it too. */
export function securityHeaders(publicOrigin: string, inlineScriptHashes: readonly string[]): HeaderLines {
  const secure = publicOrigin.startsWith('https:');
  return [
    ['content-security-policy', contentSecurityPolicy(publicOrigin, inlineScriptHashes)],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(self), microphone=(self), geolocation=(), payment=(), usb=()'],
    ['referrer-policy', 'no-referrer'],
    ['x-content-type-options', 'nosniff'],
    ...(secure ? ([['strict-transport-security', 'max-age=31536000']] as const) : []),
  ];
}

function contentSecurityPolicy(publicOrigin: string, hashes: readonly string[]): string {
  const scripts = ["'self'", "'wasm-unsafe-eval'", ...hashes.map((hash) => `'sha256-${hash}'`)];
  // 'self' covers WebSockets only in newer browsers, so the socket is named.
  const socketOrigin = publicOrigin.replace(/^http/, 'ws');
  return [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    `connect-src 'self' ${socketOrigin}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
  ].join('; ');
}

/** The base64 SHA-256 of each inline script of a page, as a policy names it. */
export function inlineScriptHashes(html: string): string[] {
  const hashes = new Set<string>();
  for (const [, attributes = '', source = ''] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)) {
    if (/\ssrc\s*=/i.test(attributes)) continue;
    hashes.add(createHash('sha256').update(source).digest('base64'));
  }
  return [...hashes];
}
