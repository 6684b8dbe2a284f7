// The images behind the grid: any number of them, of which only the pages in sight are held.
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Image } from '../api/client';
import { imagePageQuery, NO_FILTER, PAGE_SIZE, type ImageFilter } from '../api/queries';

const NAMES: Record<keyof ImageFilter, string> = {
  q: 'q', job_id: 'job', storage_provider: 'at', folder: 'folder', camera: 'camera', taken_after: 'from', taken_before: 'until',
};

export function filterFromSearch(search: string): ImageFilter {
  const params = new URLSearchParams(search);
  const filter: ImageFilter = { ...NO_FILTER };
  for (const [field, name] of Object.entries(NAMES)) {
    const value = params.get(name);
    if (value !== null) (filter as unknown as Record<string, string>)[field] = value;
  }
  return filter;
}

export function searchOf(filter: ImageFilter, viewer?: { id: number; at: number | null }): string {
  const params = new URLSearchParams();
  for (const [field, name] of Object.entries(NAMES)) {
    const value = filter[field as keyof ImageFilter];
    if (value !== '') params.set(name, value);
  }
  if (viewer) {
    params.set('image', String(viewer.id));
    if (viewer.at !== null) params.set('place', String(viewer.at));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

export const filtersSet = (filter: ImageFilter): number =>
  Object.entries(filter).filter(([name, value]) => name !== 'q' && value !== '').length;

// While somebody drags the scroll bar, the pages flying past are not asked for.
const SETTLE_MS = 90;

function useSettled<T>(value: T, same: (a: T, b: T) => boolean): T {
  const [settled, setSettled] = useState(value);
  const latest = useRef(value);
  latest.current = value;
  const equal = same(value, settled);
  useEffect(() => {
    if (equal) return;
    const timer = setTimeout(() => setSettled(latest.current), SETTLE_MS);
    return () => clearTimeout(timer);
  });
  return settled;
}

export interface GalleryData {
  total: number | null; // null: not known yet
  more: boolean; // there are more, which show up as one goes on
  error: Error | null;
  refetch: () => void;
  imageAt: (index: number) => Image | undefined;
  // The images from one index to another, fetched where they are not here.
  range: (from: number, to: number) => Promise<Image[]>;
}

export function useGalleryData(filter: ImageFilter, firstIndex: number, lastIndex: number): GalleryData {
  const client = useQueryClient();
  const [from, to] = useSettled<[number, number]>(
    [Math.floor(Math.max(0, firstIndex) / PAGE_SIZE), Math.floor(Math.max(0, lastIndex) / PAGE_SIZE)],
    (a, b) => a[0] === b[0] && a[1] === b[1],
  );
  // The first page is always here: it knows how many there are.
  const pages = useMemo(() => {
    const wanted = new Set([1]);
    for (let page = from; page <= to; ++page) wanted.add(page + 1);
    return [...wanted];
  }, [from, to]);
  // Of the pages behind the counted ones: cursors[0] leads to the first of them. They are found one after the other.
  const cursors = useRef<{ filter: ImageFilter; list: string[]; counted: number }>({ filter, list: [], counted: 0 });
  if (cursors.current.filter !== filter) cursors.current = { filter, list: [], counted: 0 };
  const chain = cursors.current;
  const queryOf = useCallback(
    (page: number) => {
      const { counted, list } = cursors.current;
      return imagePageQuery(filter, page, counted > 0 && page > counted ? (list[page - counted - 1] ?? null) : null);
    },
    [filter],
  );
  const reachable = pages.filter((page) => chain.counted === 0 || page <= chain.counted + chain.list.length);
  const results = useQueries({ queries: reachable.map(queryOf) });
  const loaded = new Map<number, readonly Image[]>();
  const known = useRef<{ filter: ImageFilter; total: number; more: boolean } | null>(null);
  if (known.current?.filter !== filter) known.current = null;
  results.forEach((result, i) => {
    const page = reachable[i] as number;
    if (!result.data) return;
    const { images, total: all, total_capped: capped, next_cursor: next } = result.data;
    loaded.set(page, images);
    if (page === 1 && !capped) known.current = { filter, total: all, more: false };
    if (!capped) return;
    chain.counted = Math.ceil(all / PAGE_SIZE);
    if (page >= chain.counted && next !== null) chain.list[page - chain.counted] = next;
    const last = chain.counted + chain.list.length;
    if (page === last && next === null) known.current = { filter, total: (page - 1) * PAGE_SIZE + images.length, more: false };
    else if (known.current?.more !== false) known.current = { filter, total: last * PAGE_SIZE, more: true };
  });
  const total = known.current?.total ?? null;
  const range = useCallback(
    async (begin: number, end: number) => {
      const images: Image[] = [];
      for (let page = Math.floor(begin / PAGE_SIZE); page <= Math.floor(end / PAGE_SIZE); ++page) {
        const data = await client.ensureQueryData(queryOf(page + 1));
        images.push(...data.images.slice(Math.max(0, begin - page * PAGE_SIZE), end - page * PAGE_SIZE + 1));
      }
      return images;
    },
    [client, queryOf],
  );
  return {
    total,
    more: known.current?.more ?? false,
    error: results.find((result) => result.error)?.error ?? null,
    refetch: () => results.forEach((result) => void (result.error && result.refetch())),
    imageAt: (index) => loaded.get(Math.floor(index / PAGE_SIZE) + 1)?.[index % PAGE_SIZE],
    range,
  };
}
