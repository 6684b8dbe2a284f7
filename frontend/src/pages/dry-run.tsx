// What a check of the folder found, before anything is stored.
import { FolderSearch } from 'lucide-react';
import { useMemo } from 'react';
import type { Item, Job } from '../api/client';
import { hasEnded, useLiveJob } from '../api/live';
import { useItems, useRecentJobs } from '../api/queries';
import { bytes, count, duration, typeName } from '../lib/format';
import { estimateSeconds, secondsOfQuota } from '../lib/rates';
import { images, t } from '../texts/en';
import { Button, Empty, Figure, Loading, Notice, Problem } from '../ui/basics';
import { ShareBars } from '../ui/chart';

const SAMPLE = 5000; // items looked at for the types

export const pastOf = (jobs: Job[] | undefined) =>
  (jobs ?? [])
    .filter((job) => !job.dry_run && job.status === 'completed' && job.finished_at)
    .slice(0, 10)
    .map((job) => ({
      imported: job.imported_count,
      bytes: job.bytes,
      seconds: (new Date(job.finished_at as string).getTime() - new Date(job.created_at).getTime()) / 1000,
    }));

// Stands in the form of the link: its button sends that.
export function DryRun({ job, starting }: { job: string; starting: boolean }) {
  const { progress, error } = useLiveJob(job);
  const done = progress !== null && hasEnded(progress.status);
  const pending = useItems(done ? job : null, 'pending', SAMPLE);
  const ignored = useItems(done ? job : null, 'ignored', 1000);
  const jobs = useRecentJobs();

  if (error) return <Problem error={error} />;
  if (!progress) return <Loading />;
  if (progress.status === 'failed') {
    return <Notice title={t.check.failed} text={progress.error ?? ''} remedy={progress.remedy ?? ''} />;
  }
  if (!done) {
    return <div className="check-result"><p className="lead" role="status">{t.check.counting(progress.total)}</p></div>;
  }
  if (progress.total === 0) return <Empty icon={FolderSearch} title={t.check.nothing}>{t.check.nothingText}</Empty>;

  const estimate = estimateSeconds(progress.total, progress.total_bytes, pastOf(jobs.data));
  return (
    <section className="check-result" aria-label={t.check.title(progress.folder_name)}>
      <h2>{t.check.title(progress.folder_name)}</h2>
      <dl className="figures">
        <Figure label={t.check.images} value={count(progress.total)} />
        <Figure label={t.check.size} value={bytes(progress.total_bytes)} />
        <Figure
          label={estimate === null ? t.check.atMost : t.check.time}
          value={duration(estimate ?? secondsOfQuota(progress.drive_units))}
          hint={estimate === null ? t.check.timeByQuota : t.check.timeByHistory}
        />
        {progress.ignored > 0 ? (
          <Figure label={t.check.leftOut} value={count(progress.ignored)} hint={ignored.data ? reasonsOf(ignored.data.items) : t.check.leftOutHint} />
        ) : null}
      </dl>
      <Types items={pending.data?.items} complete={pending.data?.complete ?? true} />
      {progress.failed > 0 ? <Notice tone="warning" title={t.check.problems(progress.failed)} /> : null}
      <div className="import-actions">
        <Button kind="primary" type="submit" busy={starting}>
          {t.check.start(progress.total)}
        </Button>
      </div>
    </section>
  );
}

function Types({ items, complete }: { items: Item[] | undefined; complete: boolean }) {
  const rows = useMemo(() => {
    const types = new Map<string, { images: number; bytes: number }>();
    for (const item of items ?? []) {
      const name = typeName(item.mime_type);
      const row = types.get(name) ?? { images: 0, bytes: 0 };
      types.set(name, { images: row.images + 1, bytes: row.bytes + (item.size ?? 0) });
    }
    const all = items?.length ?? 0;
    return [...types]
      .sort((a, b) => b[1].images - a[1].images)
      .map(([name, row]) => ({ name, share: all > 0 ? row.images / all : 0, value: images(row.images), hint: bytes(row.bytes) }));
  }, [items]);
  if (rows.length === 0) return null;
  return (
    <div>
      <h3>{t.check.types}</h3>
      <ShareBars rows={rows} />
      {complete ? null : <p className="fine">{t.check.typesOfFirst(items?.length ?? 0)}</p>}
    </div>
  );
}

function reasonsOf(items: Item[]): string {
  const reasons = new Map<string, number>();
  for (const item of items) {
    const name = t.check.reasons[item.reason ?? ''] ?? (item.reason ?? '').replaceAll('_', ' ');
    reasons.set(name, (reasons.get(name) ?? 0) + 1);
  }
  return [...reasons].map(([name, n]) => `${name}: ${count(n)}`).join(', ');
}
