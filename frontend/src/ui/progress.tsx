// A job's counts as a bar of parts, and as figures.
import type { Job, Progress } from '../api/client';
import { settled } from '../api/live';
import { count, percent, percentText } from '../lib/format';
import { t } from '../texts/en';

type Counted = Job | Progress;

const PARTS = [
  ['imported', 'imported_count'],
  ['skipped', 'skipped'],
  ['deduplicated', 'deduplicated'],
  ['deferred', 'deferred'],
  ['failed', 'failed'],
  ['cancelled', 'cancelled'],
] as const;

export function ProgressBar({ job, slim = false }: { job: Counted; slim?: boolean }) {
  const done = settled(job);
  const indeterminate = job.status === 'listing' && job.total === 0;
  return (
    <div
      className={`bar ${slim ? 'bar-slim' : ''} ${indeterminate ? 'bar-waiting' : ''}`}
      role="progressbar"
      aria-label={t.job.progressLabel}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={indeterminate ? undefined : Math.floor(percent(done, job.total))}
      aria-valuetext={indeterminate ? t.status.listing : `${percentText(done, job.total)}, ${t.jobs.of(count(done), count(job.total))}`}
    >
      {PARTS.map(([name, field]) =>
        job[field] > 0 ? <span key={name} className={`bar-part part-${name}`} style={{ width: `${percent(job[field], job.total)}%` }} /> : null,
      )}
    </div>
  );
}

const SHOWN = [...PARTS, ['pending', 'pending'], ['ignored', 'ignored']] as const;

export function Counts({ job }: { job: Counted }) {
  return (
    <ul className="counts">
      {SHOWN.filter(([name, field]) => job[field] > 0 || name === 'imported' || name === 'failed').map(([name, field]) => (
        <li key={name} title={t.counts.hints[name]}>
          <span className={`dot part-${name}`} aria-hidden />
          <span className="counts-name">{t.counts[name]}</span>
          <strong>{count(job[field])}</strong>
          <span className="sr-only">{t.counts.hints[name]}</span>
        </li>
      ))}
    </ul>
  );
}

export function StatusBadge({ job }: { job: Counted }) {
  const problems = job.failed + job.deferred > 0;
  const text = job.dry_run && job.status === 'completed' ? t.status.checked
    : job.status === 'completed' && problems ? t.status.withProblems
    : t.status[job.status];
  const tone = job.status === 'failed' ? 'danger'
    : job.status === 'completed' ? (problems && !job.dry_run ? 'warning' : 'good')
    : job.status === 'cancelled' ? 'muted' : 'active';
  return <span className={`badge badge-${tone}`}>{text}</span>;
}
