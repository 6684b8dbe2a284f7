// Rates from samples: what the charts show.
import type { Sample } from '../api/live';

export interface RatePoint {
  at: number;
  images: number; // a second
  bytes: number; // a second
}

const WINDOW_MS = 2500;

// Each point looks back over a short window, so that bursts of a database's commits do not make a comb.
export function rates(samples: readonly Sample[]): RatePoint[] {
  const points: RatePoint[] = [];
  let from = 0;
  for (let i = 1; i < samples.length; ++i) {
    const now = samples[i] as Sample;
    while (from < i - 1 && now.at - (samples[from + 1] as Sample).at >= WINDOW_MS) from += 1;
    const then = samples[from] as Sample;
    const seconds = (now.at - then.at) / 1000;
    if (seconds <= 0.05) continue;
    points.push({
      at: now.at,
      images: Math.max(0, now.done - then.done) / seconds,
      bytes: Math.max(0, now.bytes - then.bytes) / seconds,
    });
  }
  return points;
}

export interface Past {
  imported: number;
  bytes: number;
  seconds: number;
}

// How long an import may take, by how fast earlier ones went; null: nothing to go by.
export function estimateSeconds(images: number, bytes: number, past: readonly Past[]): number | null {
  const useful = past.filter((job) => job.imported >= 20 && job.seconds > 0);
  if (useful.length === 0) return null;
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
  const imageRate = median(useful.map((job) => job.imported / job.seconds));
  const byteRate = median(useful.map((job) => job.bytes / job.seconds));
  return Math.max(images / imageRate, byteRate > 0 ? bytes / byteRate : 0);
}

// Google's default for a service account, which is the slowest case (https://developers.google.com/drive/api/limits).
const UNITS_PER_MINUTE = 325_000;
export const secondsOfQuota = (units: number): number => (units / UNITS_PER_MINUTE) * 60;
