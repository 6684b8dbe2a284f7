import { CheckCircle2, CircleAlert, CircleX, HardDrive } from 'lucide-react';
import { useMemo } from 'react';
import { Link } from 'wouter';
import type { Job, Stats } from '../api/client';
import { useHealth, useJobs, useStats } from '../api/queries';
import { bytes, count, percentText, typeName } from '../lib/format';
import { images, t } from '../texts/en';
import { Card, Empty, Figure, Loading, PageHead, Problem, sentence } from '../ui/basics';
import { BarChart, ShareBars } from '../ui/chart';

const DAYS = 30;

export function OverviewPage() {
  const stats = useStats();
  const jobs = useJobs();
  const imports = useMemo(() => (jobs.data ?? []).filter((job) => !job.dry_run), [jobs.data]);
  return (
    <div className="page">
      <PageHead title={t.overview.title} />
      {stats.isPending ? <Loading /> : null}
      {stats.error && !stats.data ? <Problem error={stats.error} onRetry={() => void stats.refetch()} /> : null}
      {stats.data ? <Totals stats={stats.data} imports={imports} /> : null}
      <div className="columns">
        {stats.data ? <Providers stats={stats.data} /> : null}
        {stats.data ? <Types stats={stats.data} /> : null}
        <Services />
        <OverTime jobs={imports} />
      </div>
      <p className="fine"><a href="/api/openapi.json">{t.overview.apiText}</a></p>
    </div>
  );
}

function Totals({ stats, imports }: { stats: Stats; imports: Job[] }) {
  const listed = imports.reduce((sum, job) => sum + job.total, 0);
  const safe = imports.reduce((sum, job) => sum + job.processed, 0);
  return (
    <dl className="figures figures-cards">
      <Figure label={t.overview.images} value={<Link href="/gallery">{count(stats.total_images)}</Link>} />
      <Figure label={t.overview.stored} value={bytes(stats.total_size_bytes)} />
      <Figure label={t.overview.imports} value={<Link href="/jobs">{count(imports.length)}</Link>} />
      {listed > 0 ? <Figure label={t.overview.success} value={percentText(safe, listed)} hint={t.overview.successHint} /> : null}
    </dl>
  );
}

function Providers({ stats }: { stats: Stats }) {
  const rows = stats.by_provider
    .filter((row) => row.images > 0)
    .sort((a, b) => b.images - a.images)
    .map((row) => ({
      name: t.gallery.providers[row.storage_provider] ?? row.storage_provider,
      share: row.images / Math.max(1, stats.total_images),
      value: images(row.images),
      hint: bytes(row.bytes),
    }));
  return (
    <Card title={t.overview.byProvider}>
      {rows.length > 0 ? <ShareBars rows={rows} /> : <Empty icon={HardDrive} title={t.overview.nothing} />}
    </Card>
  );
}

interface TypeShare {
  mime_type: string;
  images: number;
  bytes: number;
}

// Servers that count by type say so in their totals.
function Types({ stats }: { stats: Stats & { by_type?: TypeShare[] } }) {
  if (!stats.by_type || stats.by_type.length === 0) return null;
  const rows = [...stats.by_type]
    .sort((a, b) => b.images - a.images)
    .map((row) => ({ name: typeName(row.mime_type), share: row.images / Math.max(1, stats.total_images), value: images(row.images), hint: bytes(row.bytes) }));
  return <Card title={t.overview.byType}><ShareBars rows={rows} /></Card>;
}

const dayKey = (time: Date): string => `${time.getFullYear()}-${String(time.getMonth() + 1).padStart(2, '0')}-${String(time.getDate()).padStart(2, '0')}`;
const dayName = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });

function OverTime({ jobs }: { jobs: Job[] }) {
  const bars = useMemo(() => {
    const perDay = new Map<string, number>();
    for (const job of jobs) {
      const key = dayKey(new Date(job.created_at));
      perDay.set(key, (perDay.get(key) ?? 0) + job.imported_count);
    }
    return Array.from({ length: DAYS }, (_, i) => {
      const date = new Date();
      date.setDate(date.getDate() - (DAYS - 1 - i));
      const value = perDay.get(dayKey(date)) ?? 0;
      return { name: dayName.format(date), value, text: images(value) };
    });
  }, [jobs]);
  const all = bars.reduce((sum, bar) => sum + bar.value, 0);
  return (
    <Card title={t.overview.overTime} className="wide">
      <BarChart bars={bars} label={t.overview.chartLabel(all)} />
      <details className="as-table">
        <summary>{t.overview.table}</summary>
        <table>
          <thead><tr><th scope="col">{t.overview.date}</th><th scope="col">{t.overview.images}</th></tr></thead>
          <tbody>{bars.filter((bar) => bar.value > 0).map((bar) => <tr key={bar.name}><td>{bar.name}</td><td>{count(bar.value)}</td></tr>)}</tbody>
        </table>
      </details>
    </Card>
  );
}

function Services() {
  const health = useHealth();
  const parts = Object.entries(health.data?.parts ?? {});
  const state = !health.data ? 'unreachable' : health.data.status;
  const title = state === 'healthy' ? t.overview.healthy : state === 'degraded' ? t.overview.degraded : state === 'failed' ? t.overview.failedHealth : t.overview.unreachable;
  const Icon = state === 'healthy' ? CheckCircle2 : state === 'degraded' ? CircleAlert : CircleX;
  return (
    <Card title={t.overview.health}>
      {health.isPending ? <Loading /> : (
        <>
          <p className={`health health-${state}`}><Icon aria-hidden size={22} /> {title}</p>
          {parts.length > 0 ? (
            <dl className="facts">
              {parts.map(([name, trouble]) => (
                <div key={name} className="facts-row"><dt>{t.overview.part[name] ?? name}</dt><dd>{sentence(trouble)}</dd></div>
              ))}
            </dl>
          ) : null}
        </>
      )}
    </Card>
  );
}
