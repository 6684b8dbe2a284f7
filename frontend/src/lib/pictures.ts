// Which address shows an image: a thumbnail where the server makes them, else the image itself where browsers can.
import { useEffect, useSyncExternalStore } from 'react';
import { contentUrl, thumbnailUrl, type Image } from '../api/client';

const SHOWN_BY_BROWSERS = new Set([
  'image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif', 'image/bmp', 'image/svg+xml', 'image/x-icon', 'image/vnd.microsoft.icon',
]);
export const browsersShow = (mime: string | null): boolean => mime !== null && SHOWN_BY_BROWSERS.has(mime);

type Support = 'unknown' | 'yes' | 'no';
let support: Support = 'unknown';
let asking = false;
const listeners = new Set<() => void>();

// Servers without thumbnails say so by 404 for the whole path, or 501; any other answer is about this one image.
async function learn(image: Pick<Image, 'id' | 'sha256'>): Promise<void> {
  if (asking || support !== 'unknown') return;
  asking = true;
  try {
    const response = await fetch(thumbnailUrl(image, 320));
    if (response.ok) support = 'yes';
    else if (response.status === 501) support = 'no';
    else if (response.status === 404) support = ((await response.json()) as { code?: string }).code === 'no_such_path' ? 'no' : 'yes';
    else if (response.status < 500) support = 'yes';
    void response.body?.cancel().catch(() => undefined);
  } catch {
    // Offline: asked again with the next image.
  }
  asking = false;
  for (const listener of listeners) listener();
}

export function useThumbnails(first: Image | undefined): Support {
  const state = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => support,
  );
  const id = first?.id;
  const sha256 = first?.sha256 ?? null;
  useEffect(() => {
    if (id !== undefined && state === 'unknown') void learn({ id, sha256 });
  }, [id, sha256, state]);
  return state;
}

// Those that servers make.
const TILE_WIDTHS = [160, 320, 640];
const LARGE_WIDTHS = [640, 1280, 2048];

// A tile is a square that the picture covers: a wide one has to be wider than the tile.
export function tileWidth(image: Pick<Image, 'width' | 'height'>, size: number, density: number): number {
  const { width, height } = image;
  const stretch = width && height && width > height ? Math.min(width / height, 2) : 1;
  const wanted = size * Math.min(density, 2) * stretch;
  return TILE_WIDTHS.find((one) => one >= wanted) ?? 640;
}

// null: nothing that a browser could show.
export function tileUrl(image: Image, size: number, thumbnails: Support): string | null {
  if (thumbnails === 'unknown') return null;
  if (thumbnails === 'yes') return thumbnailUrl(image, tileWidth(image, size, devicePixelRatio));
  return browsersShow(image.mime_type) ? contentUrl(image.id) : null;
}

// What is shown where the tile's address gives no picture.
export function tileFallback(image: Image, url: string | null): string | null {
  const content = contentUrl(image.id);
  return url !== content && browsersShow(image.mime_type) ? content : null;
}

export interface Source {
  src: string;
  srcSet?: string;
}

// For the whole window, best first: the image itself where browsers can show it, a large thumbnail where they cannot.
export function largeSources(image: Image, thumbnails: Support): Source[] {
  const sources: Source[] = browsersShow(image.mime_type) ? [{ src: contentUrl(image.id) }] : [];
  if (thumbnails === 'yes') {
    const set = LARGE_WIDTHS.map((width) => `${thumbnailUrl(image, width)} ${width}w`).join(', ');
    sources.push({ src: thumbnailUrl(image, 1280), srcSet: set });
  }
  return sources;
}
