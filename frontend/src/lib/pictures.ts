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
async function learn(id: number): Promise<void> {
  if (asking || support !== 'unknown') return;
  asking = true;
  try {
    const response = await fetch(thumbnailUrl(id, 320));
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
  useEffect(() => {
    if (id !== undefined && state === 'unknown') void learn(id);
  }, [id, state]);
  return state;
}

const WIDTHS = [160, 320, 640];

// null: nothing that a browser could show.
export function tileUrl(image: Image, width: number, thumbnails: Support): string | null {
  if (thumbnails === 'unknown') return null;
  if (thumbnails === 'yes') return thumbnailUrl(image.id, WIDTHS.find((one) => one >= width * Math.min(devicePixelRatio, 2)) ?? 640);
  return browsersShow(image.mime_type) ? contentUrl(image.id) : null;
}
