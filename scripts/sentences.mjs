import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import compile from 'icu-minify/compile';

/** A loader for dictionaries: what they export, with each sentence in the form that `icu-minify/format` fills in. */
export default function sentences() {
  const done = this.async();
  // All of its folder, whatever it imports: one that cannot be read is read again when it is mended.
  const folder = dirname(this.resourcePath);
  for (const name of readdirSync(folder)) this.addDependency(join(folder, name));
  compiled(this.resourcePath).then((code) => done(null, code), done);
}

async function compiled(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  });
  const words = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  return Object.entries(words)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(mapped(value))};`)
    .join('\n');
}

const mapped = (value) =>
  typeof value === 'string'
    ? compile(value)
    : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapped(inner)]));
