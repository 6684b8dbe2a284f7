// One job as a line of a list.
import { Link } from 'wouter';
import type { Job } from '../api/client';
import { hasEnded, settled } from '../api/live';
import { ago, bytes, count, duration, percentText, when } from '../lib/format';
import { t } from '../texts/en';
import { ProgressBar, StatusBadge } from './progress';

export const jobName = (job: Pick<Job, 'folder_name'>): string => job.folder_name || t.jobs.unnamed;

export function JobCard({ job }: { job: Job }) {
  const problems = job.dry_run ? 0 : job.failed + job.deferred;
  const done = settled(job);
  const running = !hasEnded(job.status);
  return (
    <article className="job-card">
      <div className="job-card-head">
        <h3><Link href={`/jobs/${job.job_id}`}>{jobName(job)}</Link></h3>
        <StatusBadge job={job} />
        <span className="job-card-percent" aria-hidden>{running && job.total > 0 ? percentText(done, job.total) : ''}</span>
      </div>
      {job.dry_run ? null : <ProgressBar job={job} slim />}
      <p className="job-card-facts">
        <span>{job.dry_run ? t.jobs.of('0', count(job.total)) : t.jobs.of(count(job.processed), count(job.total))}</span>
        <span>{bytes(job.dry_run ? job.total_bytes : job.bytes)}</span>
        <time dateTime={job.created_at} title={when(job.created_at)}>{ago(job.created_at)}</time>
        {job.finished_at ? <span>{t.jobs.took(duration((Date.parse(job.finished_at) - Date.parse(job.created_at)) / 1000))}</span> : null}
        {problems > 0 ? <Link className="job-card-problems" href={`/problems?job=${job.job_id}`}>{t.jobs.problems(problems)}</Link> : null}
      </p>
    </article>
  );
}
