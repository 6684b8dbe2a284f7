// A job's progress as it happens: Server-Sent Events, and polling where they do not come through. One watch per job,
// shared by all who look; the samples for the charts live as long as the tab.
import { useEffect, useSyncExternalStore } from 'react';
import { api, ApiError, eventsUrl, unwrap, type Progress } from './client';

export interface Sample {
  at: number; // ms
  done: number; // images with an outcome
  bytes: number;
}

export interface LiveState {
  progress: Progress | null;
  samples: readonly Sample[];
  // 'lost': the server does not answer just now; the watch goes on.
  line: 'connecting' | 'live' | 'polling' | 'lost' | 'ended';
  error: ApiError | null; // there is no such job
}

const POLL_MS = 2000;
const MAX_SAMPLES = 600;
const STORAGE = 'imgimport.samples.';

export const hasEnded = (status: Progress['status']): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

export const settled = (p: Pick<Progress, 'processed' | 'failed' | 'deferred' | 'cancelled'>): number =>
  p.processed + p.failed + p.deferred + p.cancelled;

class Watch {
  state: LiveState;
  private readonly listeners = new Set<() => void>();
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private closing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly job: string) {
    this.state = { progress: null, samples: stored(job), line: 'connecting', error: null };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    clearTimeout(this.closing);
    this.listeners.add(listener);
    if (this.listeners.size === 1 && !this.source && this.timer === undefined) this.begin();
    return () => {
      this.listeners.delete(listener);
      // Another page may take over in a moment.
      if (this.listeners.size === 0) this.closing = setTimeout(() => this.close(), 500);
    };
  };

  readonly snapshot = (): LiveState => this.state;

  // After a retry an ended job goes on.
  readonly begin = (): void => {
    this.close();
    this.failures = 0;
    this.set({ line: 'connecting', error: null });
    this.listen();
  };

  private close(): void {
    this.source?.close();
    this.source = null;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private listen(): void {
    const source = new EventSource(eventsUrl(this.job));
    this.source = source;
    const take = (event: MessageEvent<string>): void => {
      this.failures = 0;
      this.accept(JSON.parse(event.data) as Progress, 'live');
    };
    source.addEventListener('progress', take);
    source.addEventListener('done', (event: MessageEvent<string>) => {
      this.close();
      this.accept(JSON.parse(event.data) as Progress, 'ended');
      this.watchDeferred();
    });
    source.onerror = () => {
      // The browser would come back by itself after a broken line, but not after an error answer: polling finds out.
      this.close();
      this.later(this.failures === 0 ? 100 : POLL_MS);
    };
  }

  private later(delay: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.poll(), delay);
  }

  private async poll(): Promise<void> {
    this.timer = undefined;
    try {
      const progress = await unwrap(
        api.GET('/api/import/status/{job_id}', { params: { path: { job_id: this.job }, query: { imported: 0 } } }),
      );
      const ended = hasEnded(progress.status);
      this.accept(progress, ended ? 'ended' : 'polling');
      if (ended) return this.watchDeferred();
      this.failures += 1;
      // Events are tried again now and then: at once after a broken line, later where they never come through.
      if (this.failures === 1 || this.failures % 15 === 0) this.listen();
      else this.later(POLL_MS);
    } catch (error) {
      if (error instanceof ApiError && !error.passes && error.status !== 401) return this.set({ line: 'ended', error });
      this.failures = 0; // the first answer after this leads back to events
      this.set({ line: 'lost' });
      this.later(POLL_MS);
    }
  }

  // Deferred items of a completed job go on by themselves, hours later.
  private watchDeferred(): void {
    if ((this.state.progress?.deferred ?? 0) > 0 && this.listeners.size > 0) this.later(30_000);
  }

  private accept(progress: Progress, line: LiveState['line']): void {
    const sample = { at: Date.now(), done: settled(progress), bytes: progress.bytes };
    const before = this.state.samples.at(-1);
    const moved = !before || sample.done !== before.done || sample.bytes !== before.bytes;
    const running = !hasEnded(progress.status);
    const goesBack = before !== undefined && sample.done < before.done; // a retry put items back
    let samples = goesBack ? [] : this.state.samples;
    if (running || moved) samples = thinned([...samples, sample]);
    this.set({ progress, samples, line });
    if (samples !== this.state.samples || moved) store(this.job, samples);
  }

  private set(change: Partial<LiveState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

// Half of the points of a long job say as much.
function thinned(samples: Sample[]): Sample[] {
  return samples.length <= MAX_SAMPLES ? samples : samples.filter((_, i) => i % 2 === 0 || i === samples.length - 1);
}

function stored(job: string): Sample[] {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE + job) ?? '[]') as Sample[];
  } catch {
    return [];
  }
}

function store(job: string, samples: readonly Sample[]): void {
  try {
    sessionStorage.setItem(STORAGE + job, JSON.stringify(samples));
  } catch {
    // Full or switched off: the chart begins anew after a reload.
  }
}

const watches = new Map<string, Watch>();

function watchOf(job: string): Watch {
  let watch = watches.get(job);
  if (!watch) watches.set(job, (watch = new Watch(job)));
  return watch;
}

export function useLiveJob(job: string): LiveState & { restart: () => void } {
  const watch = watchOf(job);
  const state = useSyncExternalStore(watch.subscribe, watch.snapshot);
  useEffect(() => {
    // A tab in the background may have slept through the end.
    const wake = () => {
      if (document.visibilityState === 'visible' && watch.state.line === 'lost') watch.begin();
    };
    document.addEventListener('visibilitychange', wake);
    window.addEventListener('online', wake);
    return () => {
      document.removeEventListener('visibilitychange', wake);
      window.removeEventListener('online', wake);
    };
  }, [watch]);
  return { ...state, restart: watch.begin };
}
