import { FolderDown } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Job } from '../api/client';
import { hasEnded } from '../api/live';
import { useJobs } from '../api/queries';
import { count } from '../lib/format';
import { t } from '../texts/en';
import { Empty, Loading, PageHead, Problem } from '../ui/basics';
import { JobCard } from '../ui/job-card';

export function JobsPage() {
  const jobs = useJobs();
  const [checks, setChecks] = useState(false);
  const all = (jobs.data ?? []).filter((job) => checks || !job.dry_run);
  const active = all.filter((job) => !hasEnded(job.status));
  const ended = all.filter((job) => hasEnded(job.status));
  const hasChecks = jobs.data?.some((job) => job.dry_run) ?? false;
  return (
    <div className="page">
      <PageHead title={t.jobs.title} lead={t.jobs.lead}>
        {hasChecks ? (
          <label className="check">
            <input type="checkbox" checked={checks} onChange={(event) => setChecks(event.target.checked)} />
            <span>{t.jobs.showChecks}</span>
          </label>
        ) : null}
      </PageHead>
      {jobs.isPending ? <Loading /> : null}
      {jobs.error && !jobs.data ? <Problem error={jobs.error} onRetry={() => void jobs.refetch()} /> : null}
      {jobs.data && all.length === 0 ? (
        <Empty icon={FolderDown} title={t.jobs.none} action={<Link href="/" className="button button-primary"><span>{t.jobs.begin}</span></Link>}>
          {t.jobs.noneText}
        </Empty>
      ) : null}
      <Group title={t.jobs.active} jobs={active} />
      <Group title={t.jobs.ended} jobs={ended} />
    </div>
  );
}

const SHOWN = 50;

function Group({ title, jobs }: { title: string; jobs: Job[] }) {
  const [most, setMost] = useState(SHOWN);
  if (jobs.length === 0) return null;
  return (
    <section>
      <header className="section-head"><h2>{title}</h2><span className="fine">{count(jobs.length)}</span></header>
      <ul className="job-list">{jobs.slice(0, most).map((job) => <li key={job.job_id}><JobCard job={job} /></li>)}</ul>
      {jobs.length > most ? (
        <button type="button" className="link-button" onClick={() => setMost(most + SHOWN)}>{t.problems.showAll(jobs.length)}</button>
      ) : null}
    </section>
  );
}
