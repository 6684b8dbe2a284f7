import { expect, it } from 'vitest';
import type { Image } from '../api/client';
import { largeSources, tileFallback, tileUrl, tileWidth } from './pictures';

const image = (mime_type: string, more: Partial<Image> = {}) => ({ id: 7, mime_type, sha256: '0123456789abcdef0123', width: 600, height: 400, ...more }) as Image;

it('a tile asks for a width that covers it, on fine screens as well', () => {
  expect(tileWidth({ width: 400, height: 600 }, 150, 1)).toBe(160);
  expect(tileWidth({ width: 600, height: 400 }, 150, 1)).toBe(320);
  expect(tileWidth({ width: 400, height: 600 }, 150, 2)).toBe(320);
  expect(tileWidth({ width: 600, height: 400 }, 200, 3)).toBe(640);
  expect(tileWidth({ width: null, height: null }, 200, 1)).toBe(320);
});

it('the address of a thumbnail names the version of the image, where it is known', () => {
  globalThis.devicePixelRatio = 1;
  expect(tileUrl(image('image/heic'), 100, 'yes')).toBe('/api/images/7/thumbnail?w=160&v=0123456789abcdef');
  expect(tileUrl(image('image/heic', { sha256: null }), 100, 'yes')).toBe('/api/images/7/thumbnail?w=160');
  expect(tileUrl(image('image/heic'), 100, 'unknown')).toBeNull();
});

it('without a thumbnail the image itself is shown where browsers can, else nothing', () => {
  expect(tileUrl(image('image/jpeg'), 100, 'no')).toBe('/api/images/7/content');
  expect(tileUrl(image('image/heic'), 100, 'no')).toBeNull();
  expect(tileFallback(image('image/jpeg'), '/api/images/7/thumbnail?w=160')).toBe('/api/images/7/content');
  expect(tileFallback(image('image/jpeg'), '/api/images/7/content')).toBeNull();
  expect(tileFallback(image('image/heic'), '/api/images/7/thumbnail?w=160')).toBeNull();
});

it('large, the image itself comes first, and a thumbnail where browsers cannot show it', () => {
  const sources = (mime: string, support: 'yes' | 'no') => largeSources(image(mime), support).map(({ src }) => src);
  expect(sources('image/jpeg', 'yes')).toEqual(['/api/images/7/content', '/api/images/7/thumbnail?w=1280&v=0123456789abcdef']);
  expect(sources('image/jpeg', 'no')).toEqual(['/api/images/7/content']);
  expect(sources('image/heic', 'yes')).toEqual(['/api/images/7/thumbnail?w=1280&v=0123456789abcdef']);
  expect(sources('image/heic', 'no')).toEqual([]);
  expect(largeSources(image('image/tiff'), 'yes')[0]?.srcSet).toContain('/api/images/7/thumbnail?w=2048&v=0123456789abcdef 2048w');
});
