// Packs a folder of built files into one, each also compressed: src/gateway/web/web_files.hpp has the format.
// usage: pack.mjs DIR PACK
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [dir, pack] = process.argv.slice(2);
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};
const compressible = new Set(['.html', '.js', '.css', '.svg', '.webmanifest', '.txt']);

function* walk(folder, path = '') {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) yield* walk(join(folder, entry.name), `${path}/${entry.name}`);
    else yield `${path}/${entry.name}`;
  }
}

function compressed(bytes) {
  const gzip = gzipSync(bytes, { level: 9 });
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  return [gzip, brotli].map((form) => (form.length < bytes.length * 0.95 ? form : Buffer.alloc(0)));
}

const lines = [];
const bodies = [];
for (const path of walk(dir)) {
  const type = types[extname(path)];
  if (!type) throw new Error(`no content type is known for ${path}`);
  const plain = readFileSync(join(dir, path));
  const forms = compressible.has(extname(path)) ? compressed(plain) : [Buffer.alloc(0), Buffer.alloc(0)];
  const tag = createHash('sha256').update(plain).digest('hex').slice(0, 16);
  const caching = path.startsWith('/assets/') ? 'immutable' : 'revalidate';
  lines.push([path, type, caching, tag, plain.length, ...forms.map((form) => form.length)].join('\t'));
  bodies.push(plain, ...forms);
}
const head = [`imgimport-web 1 ${lines.length}`, ...lines, '', ''].join('\n');
writeFileSync(`${pack}.new`, Buffer.concat([Buffer.from(head), ...bodies]));
renameSync(`${pack}.new`, pack);
