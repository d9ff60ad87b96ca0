import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { sendPaced } from './exchange';
import type { Asset, Body, Site } from './site';

/** Answers GET and HEAD from the site in memory. Runs to its end before it returns, except for a slow reader. */
export function serveStatic(site: Site, res: HttpResponse, req: HttpRequest): void {
  let aborted = false;
  // Needed for every answer that this tick does not end; uWebSockets.js counts HEAD among those.
  res.onAborted(() => {
    aborted = true;
  });
  const headOnly = req.getMethod() === 'head';
  const found = site.find(req.getUrl());
  const asset = found ?? site.notFound;
  const body = bodyFor(asset, req.getHeader('accept-encoding'));
  const unchanged = found !== undefined && matches(req.getHeader('if-none-match'), body.etag);
  res.cork(() => {
    res.writeStatus(unchanged ? '304 Not Modified' : found === undefined ? '404 Not Found' : '200 OK');
    for (const [name, value] of asset.headers) res.writeHeader(name, value);
    if (found !== undefined) res.writeHeader('etag', body.etag);
    if (body === asset.brotli && !unchanged) res.writeHeader('content-encoding', 'br');
    if (unchanged) res.endWithoutBody();
    // HEAD has a length but no body; without the second argument the next answer on the connection is cut off.
    else if (headOnly) res.endWithoutBody(body.bytes.length, true);
    else sendPaced(res, body.bytes, () => aborted);
  });
}

function bodyFor(asset: Asset, acceptEncoding: string): Body {
  const brotliRefused = /\bbr\s*;\s*q=0(?:\.0*)?(?:,|$)/.test(acceptEncoding);
  const takesBrotli = /\bbr\b/.test(acceptEncoding) && !brotliRefused;
  return takesBrotli && asset.brotli !== undefined ? asset.brotli : asset.plain;
}

function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
