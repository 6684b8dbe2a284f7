// The one way to the API: types from openapi.json, errors as one class with the server's remedy.
import createClient, { type Middleware } from 'openapi-fetch';
import type { paths, components } from './schema';

type Schemas = components['schemas'];
export type Image = Schemas['Image'];
export type ImagePage = Schemas['ImagePage'];
export type Item = Schemas['Item'];
export type Job = Schemas['Job'];
export type Progress = Schemas['Progress'];
export type Stats = Schemas['Stats'];
export type Filters = Schemas['Filters'];

export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly remedy: string,
    readonly status: number,
    readonly requestId: string,
  ) {
    super(message);
  }
  // Trouble that may pass by itself.
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

// Cookies alone may not change anything: the header shows that the request comes from a page of ours.
const OWN_PAGE = { 'X-Requested-With': 'imgimport' };

const signedOutListeners = new Set<() => void>();
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

const watch401: Middleware = {
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== '/api/session') for (const listener of signedOutListeners) listener();
  },
};

export const api = createClient<paths>({ headers: OWN_PAGE });
api.use(watch401);

export async function unwrap<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer: { data?: T; error?: unknown; response: Response };
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError('The server does not answer.', 'offline', 'Is it running? This page goes on by itself once it is back.', 0, '');
  }
  if (answer.response.ok && answer.data !== undefined) return answer.data;
  throw asError(answer.error, answer.response);
}

function asError(body: unknown, response: Response): ApiError {
  const shape = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof shape[name] === 'string' ? (shape[name] as string) : '');
  return new ApiError(
    text('error') || `The server answered with status ${response.status}.`,
    text('code') || 'unexpected',
    text('remedy'),
    response.status,
    text('request_id') || response.headers.get('X-Request-Id') || '',
  );
}

// Addresses for <img>, <a> and EventSource: always this origin, whatever PUBLIC_URL says.
export const contentUrl = (id: number): string => `/api/images/${id}/content`;
// With the version in it, a browser keeps the answer for good.
export const thumbnailUrl = (image: Pick<Image, 'id' | 'sha256'>, width: number): string =>
  `/api/images/${image.id}/thumbnail?w=${width}${image.sha256 ? `&v=${image.sha256.slice(0, 16)}` : ''}`;
export const eventsUrl = (job: string): string => `/api/import/${job}/events`;
