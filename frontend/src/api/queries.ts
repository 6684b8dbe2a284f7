// What the pages ask for, by TanStack Query.
import { QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, ApiError, unwrap, type Filters, type Image, type ImagePage, type Item, type Job } from './client';
import { hasEnded } from './live';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => error instanceof ApiError && error.passes && failures < 3,
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4_000),
      refetchOnWindowFocus: true,
    },
  },
});

export const keys = {
  session: ['session'] as const,
  stats: ['stats'] as const,
  health: ['health'] as const,
  jobs: ['jobs'] as const,
  items: ['items'] as const,
  images: ['images'] as const,
};

export const useSession = () =>
  useQuery({ queryKey: keys.session, queryFn: () => unwrap(api.GET('/api/session')), staleTime: 60_000 });

export const useStats = () => useQuery({ queryKey: keys.stats, queryFn: () => unwrap(api.GET('/api/stats')) });

export const useHealth = () =>
  useQuery({
    queryKey: keys.health,
    queryFn: async ({ signal }) => {
      const { data, error } = await api.GET('/health', { signal });
      return (data ?? error) as NonNullable<typeof data>;
    },
    refetchInterval: (query) => (query.state.status === 'error' ? 2_000 : 10_000),
    retry: false,
  });

export const isRunning = (job: Job): boolean => !job.dry_run && !hasEnded(job.status);
const RECENT = 20;

const jobList = (limit: number, signal: AbortSignal) => unwrap(api.GET('/api/import/jobs', { params: { query: { limit } }, signal }));

// The newest few: every second while one of them runs.
export const useRecentJobs = () =>
  useQuery({
    queryKey: [...keys.jobs, 'recent'],
    queryFn: ({ signal }) => jobList(RECENT, signal),
    select: (list) => list.jobs,
    refetchInterval: (query) => (query.state.data?.jobs.some(isRunning) ? 1_000 : 15_000),
  });

// The newest thousand, with what is newer of the recent ones: a long list is not fetched every second.
export function useJobs() {
  const recent = useRecentJobs();
  const all = useQuery({
    queryKey: [...keys.jobs, 'all'],
    queryFn: ({ signal }) => jobList(1000, signal),
    select: (list) => list.jobs,
    refetchInterval: (query) => (query.state.data?.jobs.slice(RECENT).some(isRunning) ? 3_000 : 15_000),
  });
  const data = useMemo(() => {
    if (!all.data) return undefined;
    if (!recent.data || recent.dataUpdatedAt < all.dataUpdatedAt) return all.data;
    const newest = new Set(recent.data.map((job) => job.job_id));
    return [...recent.data, ...all.data.filter((job) => !newest.has(job.job_id))];
  }, [all.data, all.dataUpdatedAt, recent.data, recent.dataUpdatedAt]);
  return { data, error: all.error, isPending: all.isPending, isSuccess: all.isSuccess, refetch: all.refetch };
}

export interface ItemWalk {
  items: Item[];
  complete: boolean; // false: there are more than were fetched
}

// A job's items of one state, page after page, up to `most`.
export async function walkItems(
  job: string,
  state: Item['state'],
  most: number,
  signal?: AbortSignal,
): Promise<ItemWalk> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await unwrap(
      api.GET('/api/import/{job_id}/items', {
        params: { path: { job_id: job }, query: { state, limit: 1000, ...(cursor ? { cursor } : {}) } },
        ...(signal ? { signal } : {}),
      }),
    );
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor && items.length < most);
  return { items, complete: !cursor };
}

export const useItems = (job: string | null, state: Item['state'], most: number, refetchInterval: number | false = false) =>
  useQuery({
    queryKey: [...keys.items, job, state, most],
    queryFn: ({ signal }) => walkItems(job as string, state, most, signal),
    enabled: job !== null,
    refetchInterval,
  });

export interface Submit {
  folder_url: string;
  recursive: boolean;
  dry_run: boolean;
  filters: Filters;
}

export interface Attempt {
  wanted: Submit;
  key: string; // the same again means the same job: it is sent along when an answer was lost
}

export interface Submitted {
  job_id: string;
  total_images: number;
  nothing: boolean; // the folder holds no image
}

export function useSubmit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ wanted, key }: Attempt): Promise<Submitted> => {
      const answer = await unwrap(
        api.POST('/api/import/google-drive', { body: wanted, params: { header: { 'Idempotency-Key': key } } }),
      );
      const listing = 'listing' in answer && answer.listing === true;
      return { job_id: answer.job_id, total_images: answer.total_images, nothing: answer.total_images === 0 && !listing };
    },
    onSuccess: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
}

export function useRetry() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (job: string) => unwrap(api.POST('/api/import/{job_id}/retry', { params: { path: { job_id: job } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.jobs });
      void client.invalidateQueries({ queryKey: keys.items });
    },
  });
}

export function useCancel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (job: string) => unwrap(api.POST('/api/import/{job_id}/cancel', { params: { path: { job_id: job } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
}

export function useVerify() {
  return useMutation({
    mutationFn: (job: string) => unwrap(api.POST('/api/import/{job_id}/verify', { params: { path: { job_id: job } } })),
  });
}

// --- images ---------------------------------------------------------------------------------------------------------

export interface ImageFilter {
  q: string;
  job_id: string;
  storage_provider: string;
  folder: string; // a path; with all that lies below it
  camera: string;
  taken_after: string;
  taken_before: string;
}

export const NO_FILTER: ImageFilter = {
  q: '', job_id: '', storage_provider: '', folder: '', camera: '', taken_after: '', taken_before: '',
};

export const PAGE_SIZE = 100;

export const imagePageQuery = (filter: ImageFilter, page: number, cursor: string | null = null) => ({
  queryKey: [...keys.images, filter, page, cursor],
  queryFn: ({ signal }: { signal: AbortSignal }): Promise<ImagePage> => {
    const query: Record<string, string | number> = cursor === null ? { page, per_page: PAGE_SIZE } : { cursor, per_page: PAGE_SIZE };
    for (const [name, value] of Object.entries(filter)) if (value !== '') query[name] = value;
    return unwrap(api.GET('/api/images', { params: { query }, signal }));
  },
  staleTime: 15_000,
  // Pages that were scrolled past are let go: memory stays flat however far one goes.
  gcTime: 20_000,
});

export const useImage = (id: number | null) =>
  useQuery({
    queryKey: [...keys.images, 'one', id],
    queryFn: () => unwrap(api.GET('/api/images/{id}', { params: { path: { id: id as number } } })),
    enabled: id !== null,
  });

const MOST_GROUPS = 500;

export const useFolders = (parent: string, enabled = true) =>
  useQuery({
    queryKey: [...keys.images, 'folders', parent],
    queryFn: ({ signal }) => unwrap(api.GET('/api/images/folders', { params: { query: { parent, limit: MOST_GROUPS } }, signal })),
    select: (list) => list.folders,
    enabled,
    staleTime: 60_000,
  });

export const useCameras = () =>
  useQuery({
    queryKey: [...keys.images, 'cameras'],
    queryFn: ({ signal }) => unwrap(api.GET('/api/images/cameras', { params: { query: { limit: MOST_GROUPS } }, signal })),
    select: (list) => list.cameras.map((entry) => entry.camera),
    staleTime: 60_000,
  });

export interface Deletion {
  deleted: number;
  failed: { image: Image; error: Error }[];
}

const DELETES_AT_ONCE = 4;

export async function deleteImages(images: Image[], onProgress: (done: number) => void): Promise<Deletion> {
  const result: Deletion = { deleted: 0, failed: [] };
  const queue = [...images];
  const work = async () => {
    for (let image = queue.shift(); image; image = queue.shift()) {
      try {
        await unwrap(api.DELETE('/api/images/{id}', { params: { path: { id: image.id } } }));
        result.deleted += 1;
      } catch (error) {
        // Gone already is what was wanted.
        if (error instanceof ApiError && error.status === 404) result.deleted += 1;
        else result.failed.push({ image, error: error as Error });
      }
      onProgress(result.deleted + result.failed.length);
    }
  };
  await Promise.all(Array.from({ length: DELETES_AT_ONCE }, work));
  return result;
}
