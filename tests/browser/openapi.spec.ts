// What a running server answers is what its description says: each operation is called, and each answer checked with
// schemas closed against fields that are not described.
import { expect, test } from '@playwright/test';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Drive, Server } from './server';

type Json = Record<string, unknown>;
interface Operation {
  responses: Record<string, { $ref?: string; content?: Record<string, { schema?: Json }> }>;
}

let drive: Drive;
let server: Server;
let description: { paths: Record<string, Record<string, Operation>>; components: { responses: Record<string, { content: Record<string, { schema: Json }> }> } };
let ajv: Ajv2020;
const called = new Set<string>();

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  drive = await Drive.start('--scenario', 'scenario.json');
  server = await Server.start(drive);
  description = await server.json('/api/openapi.json');
  ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  const closed = structuredClone(description) as unknown as { components: { schemas: Record<string, Json> } };
  for (const schema of Object.values(closed.components.schemas)) close(schema);
  ajv.addSchema({ $id: 'openapi', ...closed } as Json);
});
test.afterAll(async () => {
  await server?.end();
  await drive?.stop();
});

// An object whose fields are listed has no other ones.
function close(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  const node = schema as Json;
  if (node.type === 'object' && node.properties && node.additionalProperties === undefined) node.additionalProperties = false;
  for (const value of Object.values(node)) close(value);
}

function schemaOf(method: string, path: string, status: number, type: string): ValidateFunction | null {
  const operation = description.paths[path]?.[method];
  expect(operation, `${method} ${path} is described`).toBeDefined();
  const response = operation?.responses[String(status)];
  expect(response, `${method} ${path} answers ${status}`).toBeDefined();
  const escape = (text: string) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
  const base = response?.$ref ? response.$ref : `#/paths/${escape(path)}/${method}/responses/${status}`;
  const content = response?.$ref ? description.components.responses[response.$ref.split('/').pop() ?? '']?.content : response?.content;
  if (!content) return null;
  const described = Object.keys(content).find((one) => one === type || (one.endsWith('/*') && type.startsWith(one.slice(0, -1))));
  expect(described, `${method} ${path} ${status} is of type ${type}`).toBeDefined();
  return type === 'application/json' ? ajv.compile({ $ref: `openapi${base}/content/${escape(type)}/schema` }) : null;
}

interface Call {
  method?: string;
  args?: Record<string, string | number>;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  expect: number;
}

async function call(path: string, wanted: Call): Promise<Json> {
  const method = wanted.method ?? 'get';
  const url = server.api + path.replace(/\{(\w+)\}/g, (_, name: string) => String(wanted.args?.[name])) + (wanted.query ?? '');
  const response = await fetch(url, {
    method: method.toUpperCase(),
    redirect: 'manual',
    headers: { ...(wanted.body === undefined ? {} : { 'Content-Type': 'application/json' }), ...wanted.headers },
    ...(wanted.body === undefined ? {} : { body: typeof wanted.body === 'string' ? wanted.body : JSON.stringify(wanted.body) }),
  });
  const text = response.headers.get('content-type')?.startsWith('image/') ? '' : await response.text();
  expect(response.status, `${method} ${url}: ${text.slice(0, 300)}`).toBe(wanted.expect);
  if (response.status < 400) called.add(`${method} ${path}`);
  const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
  const check = schemaOf(method, path, response.status, type);
  if (!check) return {};
  const body = JSON.parse(text) as Json;
  const fits = check(body);
  expect(fits ? [] : check.errors, `${method} ${url}: ${text.slice(0, 500)}`).toEqual([]);
  return body;
}

const NOBODY = '123e4567-e89b-42d3-a456-426614174000';

// A red dot.
const DOT = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');

// Of an image that is one, on a server of its own.
async function askForThumbnails(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'imgimport-dot.'));
  writeFileSync(join(folder, 'dot.png'), DOT);
  const still = await Drive.start('--folder', folder);
  const before = server;
  server = await Server.start(still);
  try {
    await server.imported(still.link);
    const args = { id: 1 };
    for (const query of ['', '?w=1', '?w=2048&v=0123456789']) await call('/api/images/{id}/thumbnail', { args, query, expect: 200 });
    const first = await fetch(`${server.api}/api/images/1/thumbnail`);
    expect(first.headers.get('content-type')).toBe('image/webp');
    await call('/api/images/{id}/thumbnail', { args, headers: { 'If-None-Match': first.headers.get('etag') ?? '' }, expect: 304 });
    await server.down();
    await server.up({ THUMBNAIL_PROCESSES: '0' });
    await call('/api/images/{id}/thumbnail', { args, expect: 501 });
  } finally {
    await server.end();
    server = before;
    await still.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

test('every operation answers as it is described', async () => {
  const started = await call('/api/import/google-drive', { method: 'post', body: { folder_url: drive.link }, expect: 202 });
  const args = { job_id: String(started.job_id) };
  await expect.poll(async () => (await call('/api/import/status/{job_id}', { args, expect: 200 })).status).toBe('completed');
  await call('/api/import/google-drive', { method: 'post', body: { folder_url: drive.link, dry_run: true, filters: { min_size: 1 } }, expect: 200 });
  await call('/api/import/google-drive', { method: 'post', body: { folder_url: 'https://example.org' }, expect: 400 });
  await call('/api/import/google-drive', { method: 'post', body: '{', expect: 400 });
  await call('/api/import/google-drive', { method: 'post', body: { folder_url: '1AbCdEfGhIjKlMnOpQrStUvWx' }, expect: 404 });
  const nothing = await call('/api/import/google-drive', { method: 'post', body: { folder_url: drive.link, filters: { name_glob: 'none' } }, expect: 200 });
  expect(nothing.total_images).toBe(0);
  for (const body of [{ folder_url: drive.link }, { folder_url: drive.link, recursive: false }]) {
    await call('/api/import/google-drive', { method: 'post', body, headers: { 'Idempotency-Key': 'one' }, expect: body.recursive === false ? 409 : 202 });
  }
  await call('/api/import/jobs', { expect: 200 });
  await call('/api/import/jobs', { query: '?limit=1', expect: 200 });
  await call('/api/import/jobs', { query: '?limit=0', expect: 400 });
  await call('/api/import/queue', { expect: 200 });
  await call('/api/import/{job_id}/items', { args, query: '?limit=3', expect: 200 });
  for (const state of ['failed', 'deferred', 'ignored', 'imported']) await call('/api/import/{job_id}/items', { args, query: `?state=${state}`, expect: 200 });
  await call('/api/import/{job_id}/items', { args, query: '?state=lost', expect: 400 });
  await call('/api/import/{job_id}/items', { args: { job_id: NOBODY }, expect: 404 });
  await call('/api/import/status/{job_id}', { args, query: '?imported=0', expect: 200 });
  await call('/api/import/status/{job_id}', { args: { job_id: NOBODY }, expect: 404 });
  await call('/api/import/{job_id}/events', { args, expect: 200 });
  await call('/api/import/{job_id}/events', { args, headers: { 'Last-Event-ID': 'done' }, expect: 204 });
  await call('/api/import/{job_id}/verify', { method: 'post', args, expect: 200 });
  await call('/api/import/{job_id}/retry', { method: 'post', args, expect: 202 });
  await call('/api/import/{job_id}/cancel', { method: 'post', args, expect: 200 });
  await call('/api/import/{job_id}/cancel', { method: 'post', args: { job_id: NOBODY }, expect: 404 });

  const page = (await call('/api/images', { query: '?per_page=2', expect: 200 })) as { images: { id: number }[] };
  const id = page.images[0]?.id ?? 0;
  await call('/api/images', { query: '?per_page=1000', expect: 400 });
  for (const query of ['?folder=Hostile', '?camera=x', '?taken_after=2020-01-01&taken_before=2021-01-01', '?cursor=5&per_page=2']) {
    await call('/api/images', { query, expect: 200 });
  }
  await call('/api/images', { query: '?taken_after=yesterday', expect: 400 });
  await call('/api/images/folders', { expect: 200 });
  await call('/api/images/folders', { query: '?parent=Hostile&limit=1', expect: 200 });
  await call('/api/images/folders', { query: '?limit=0', expect: 400 });
  await call('/api/images/cameras', { expect: 200 });
  await call('/api/images/all', { expect: 200 });
  await call('/api/images/{id}', { args: { id }, expect: 200 });
  await call('/api/images/{id}', { args: { id: 'x' }, expect: 400 });
  await call('/api/images/{id}', { args: { id: 99999 }, expect: 404 });
  await call('/api/images/{id}/content', { args: { id }, expect: 200 });
  await call('/api/images/{id}/content', { args: { id }, headers: { Range: 'bytes=0-9' }, expect: 206 });
  await call('/api/images/{id}/content', { args: { id }, headers: { Range: 'bytes=99999999-' }, expect: 416 });
  await call('/api/images/{id}/content', { args: { id: 99999 }, expect: 404 });
  await call('/api/images/{id}/thumbnail', { args: { id }, expect: 422 }); // the emulator's images have a head and no picture
  await call('/api/images/{id}/thumbnail', { args: { id }, query: '?w=0', expect: 400 });
  await call('/api/images/{id}/thumbnail', { args: { id: 99999 }, expect: 404 });
  await call('/api/stats', { expect: 200 });
  await call('/api/stats', { headers: { 'X-Deadline-Ms': '0' }, expect: 504 });
  for (const path of ['/api/import/google-drive', '/api/session']) await call(path, { method: 'post', body: ' '.repeat(2 << 20), expect: 413 });
  await call('/api/images/{id}', { method: 'delete', args: { id }, expect: 200 });
  await call('/api/images/{id}', { method: 'delete', args: { id }, expect: 404 });
  await call('/api/session', { expect: 200 });
  await call('/api/session', { method: 'post', body: { token: 'x' }, expect: 200 });
  await call('/api/session', { method: 'post', body: {}, expect: 400 });
  await call('/api/session', { method: 'delete', expect: 200 });
  await call('/api/openapi.json', { expect: 200 });
  await call('/health', { expect: 200 });
  await call('/ready', { expect: 200 });
  await call('/metrics', { expect: 200 });

  await askForThumbnails();

  const described = Object.entries(description.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  expect([...called].sort()).toEqual(described.sort());
});

test('a stopped job, and a refusal for want of a token, are described, too', async () => {
  await drive.faults({ match: 'download', action: 'dailyLimitExceededUnreg' });
  const fresh = await Server.start(drive, { API_TOKEN: 'secret' });
  const before = server;
  try {
    server = fresh;
    await call('/api/stats', { expect: 401 });
    await call('/api/session', { method: 'post', body: { token: 'x' }, expect: 401 });
    const headers = { Authorization: 'Bearer secret' };
    const started = await call('/api/import/google-drive', { method: 'post', headers, body: { folder_url: drive.link }, expect: 202 });
    const args = { job_id: String(started.job_id) };
    await expect.poll(async () => (await call('/api/import/status/{job_id}', { args, headers, expect: 200 })).status).toBe('failed');
    expect((await call('/api/import/status/{job_id}', { args, headers, expect: 200 })).remedy).toBeTruthy();
    await call('/api/import/jobs', { headers, expect: 200 });
  } finally {
    server = before;
    await fresh.end();
  }
});
