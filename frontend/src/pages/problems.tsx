import { Download, PartyPopper, RotateCcw } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Link, useLocation, useSearch } from 'wouter';
import type { Item, Job } from '../api/client';
import { hasEnded } from '../api/live';
import { useItems, useJobs, useRetry, walkItems } from '../api/queries';
import { csvLine, saveCsv } from '../lib/csv';
import { ago, bytes, onDay } from '../lib/format';
import { files, reasonTitle, t } from '../texts/en';
import { announce } from '../ui/announce';
import { Button, Card, Empty, Loading, Notice, PageHead, Problem, sentence } from '../ui/basics';
import { ProgressBar, StatusBadge } from '../ui/progress';
import { jobName } from '../ui/job-card';

const SHOWN = 10_000; // of each state; the export walks them all
const EXPORTED = 1_000_000;

interface Group {
  key: string;
  reason: string | null;
  state: Item['state'];
  items: Item[];
}

const troubled = (job: Job) => !job.dry_run && (job.failed + job.deferred > 0 || job.status === 'failed');

export function ProblemsPage() {
  const jobs = useJobs();
  const [, navigate] = useLocation();
  const wanted = new URLSearchParams(useSearch()).get('job');
  const list = (jobs.data ?? []).filter((job) => troubled(job) || job.job_id === wanted);
  const job = list.find((one) => one.job_id === wanted) ?? list[0] ?? null;
  return (
    <div className="page">
      <PageHead title={t.problems.title} lead={t.problems.lead}>
        {list.length > 0 && job ? (
          <label className="field field-inline">
            <span>{t.problems.job}</span>
            <select className="input" value={job.job_id} onChange={(event) => navigate(`/problems?job=${event.target.value}`, { replace: true })}>
              {list.map((one) => (
                <option key={one.job_id} value={one.job_id}>
                  {`${jobName(one)}, ${onDay(one.created_at)} (${t.jobs.problems(one.failed + one.deferred)})`}
                </option>
              ))}
            </select>
          </label>
        ) : null}
      </PageHead>
      {jobs.isPending ? <Loading /> : null}
      {jobs.error && !jobs.data ? <Problem error={jobs.error} onRetry={() => void jobs.refetch()} /> : null}
      {jobs.data && !job ? <Empty icon={PartyPopper} title={t.problems.none}>{t.problems.noneText}</Empty> : null}
      {job ? <ProblemsOf key={job.job_id} job={job} onRetry={() => navigate(`/problems?job=${job.job_id}`, { replace: true })} /> : null}
    </div>
  );
}

// onRetry keeps the job in sight when its problems are gone.
function ProblemsOf({ job, onRetry }: { job: Job; onRetry: () => void }) {
  const version = `${job.failed}.${job.deferred}`; // the lists follow the counts
  const failed = useItems(job.job_id, 'failed', SHOWN, job.failed > 0 ? 15_000 : false);
  const deferred = useItems(job.job_id, 'deferred', SHOWN, job.deferred > 0 ? 15_000 : false);
  const seen = useRef(version);
  if (seen.current !== version) {
    seen.current = version;
    void failed.refetch();
    void deferred.refetch();
  }
  const retry = useRetry();
  const [exporting, setExporting] = useState(false);
  const groups = useMemo(() => groupsOf([...(failed.data?.items ?? []), ...(deferred.data?.items ?? [])]), [failed.data, deferred.data]);
  const all = job.failed + job.deferred;
  const running = !hasEnded(job.status);
  const complete = (failed.data?.complete ?? true) && (deferred.data?.complete ?? true);

  const runRetry = () => {
    onRetry();
    retry.mutate(job.job_id, { onSuccess: (answer) => announce(t.problems.retried(answer.retried)) });
  };
  const runExport = async () => {
    setExporting(true);
    try {
      const lists = await Promise.all([walkItems(job.job_id, 'failed', EXPORTED), walkItems(job.job_id, 'deferred', EXPORTED)]);
      saveCsv(`problems-${job.job_id}.csv`, [csvLine(t.problems.csv), ...lists.flatMap((walk) => walk.items.map(csvOf))]);
    } catch (error) {
      announce((error as Error).message, true);
    } finally {
      setExporting(false);
    }
  };
  const error = failed.error ?? deferred.error;
  return (
    <>
      {job.status === 'failed' ? <Notice title={job.error ?? t.problems.stopped} remedy={job.remedy ?? ''} /> : null}
      {error ? <Problem error={error} onRetry={() => { void failed.refetch(); void deferred.refetch(); }} /> : null}
      {retry.error ? <Problem error={retry.error} /> : null}
      <div className="toolbar">
        <StatusBadge job={job} />
        <span className="toolbar-space" />
        <Button icon={Download} onClick={() => void runExport()} busy={exporting} disabled={all === 0}>{exporting ? t.problems.exporting : t.problems.export}</Button>
        <Button kind="primary" icon={RotateCcw} onClick={runRetry} busy={retry.isPending} disabled={all === 0 && job.status !== 'failed'}>{t.problems.retryAll(all)}</Button>
      </div>
      {failed.isPending || deferred.isPending ? <Loading /> : null}
      {groups.map((group) => (
        // The API takes up all problems of a job together, so one group can be retried where it is the only one.
        <GroupCard key={group.key} group={group} onRetry={groups.length === 1 ? runRetry : null} busy={retry.isPending} />
      ))}
      {running ? (
        <Card title={t.problems.underWay}>
          <ProgressBar job={job} />
          <Link href={`/jobs/${job.job_id}`} className="button button-plain"><span>{t.problems.seeJob}</span></Link>
        </Card>
      ) : !error && failed.data && deferred.data && groups.length === 0 ? (
        <Empty icon={PartyPopper} title={t.problems.noneOfJob} />
      ) : null}
      {complete ? null : <p className="fine">{t.problems.more(SHOWN)}</p>}
    </>
  );
}

function groupsOf(items: Item[]): Group[] {
  const groups = new Map<string, Group>();
  for (const item of items) {
    const key = `${item.state}/${item.reason ?? ''}`;
    const group = groups.get(key) ?? { key, reason: item.reason, state: item.state, items: [] };
    group.items.push(item);
    groups.set(key, group);
  }
  // What needs a person comes first, then the larger groups.
  return [...groups.values()].sort((a, b) => Number(a.state === 'deferred') - Number(b.state === 'deferred') || b.items.length - a.items.length);
}

const csvOf = (item: Item): string =>
  csvLine([item.name, item.folder_path, item.state, item.reason, item.remedy, item.attempts, item.next_try_at, item.size, item.mime_type, item.google_drive_id]);

const FEW = 5;

function GroupCard({ group, onRetry, busy }: { group: Group; onRetry: (() => void) | null; busy: boolean }) {
  const [open, setOpen] = useState(false);
  const deferred = group.state === 'deferred';
  const next = group.items.reduce<string | null>((first, item) => (item.next_try_at && (!first || item.next_try_at < first) ? item.next_try_at : first), null);
  const remedy = t.problems.remedies[group.reason ?? ''] ?? sentence(group.items[0]?.remedy ?? '');
  return (
    <Card
      className="problem-group"
      title={<>{reasonTitle(group.reason)} <span className={`badge badge-${deferred ? 'warning' : 'danger'}`}>{deferred ? t.problems.deferred : t.problems.failed}</span></>}
      actions={onRetry ? <Button icon={RotateCcw} onClick={onRetry} busy={busy}>{t.problems.retryGroup(group.items.length)}</Button> : null}
    >
      {remedy ? <p className="remedy">{remedy}</p> : null}
      <p className="fine">
        {files(group.items.length)}
        {deferred && next ? ` · ${t.problems.willRetry(ago(next))}` : ''}
      </p>
      {open ? <LongList items={group.items} /> : <ul className="problem-list">{group.items.slice(0, FEW).map((item) => <Row key={item.google_drive_id} item={item} />)}</ul>}
      {group.items.length > FEW ? (
        <button type="button" className="link-button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t.problems.showFewer : t.problems.showAll(group.items.length)}
        </button>
      ) : null}
    </Card>
  );
}

function LongList({ items }: { items: Item[] }) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: items.length, getScrollElement: () => box.current, estimateSize: () => 45, overscan: 8 });
  return (
    <div className="problem-scroll" ref={box} tabIndex={0} role="region" aria-label={files(items.length)}>
      <ul className="problem-list" style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map((row) => (
          <Row key={row.key} item={items[row.index] as Item} style={{ position: 'absolute', top: 0, left: 0, right: 0, height: row.size, transform: `translateY(${row.start}px)` }} />
        ))}
      </ul>
    </div>
  );
}

function Row({ item, style }: { item: Item; style?: React.CSSProperties }) {
  return (
    <li style={style}>
      <span className="problem-name" title={item.name}>{item.name}</span>
      <span className="problem-folder" title={item.folder_path}>{item.folder_path}</span>
      <span className="fine">{item.size === null ? '' : bytes(item.size)}</span>
      <span className="fine">{item.attempts > 0 ? t.problems.attempts(item.attempts) : ''}</span>
      <a href={`https://drive.google.com/file/d/${encodeURIComponent(item.google_drive_id)}/view`} target="_blank" rel="noreferrer" aria-label={`${t.problems.openInDrive}: ${item.name}`}>{t.problems.openInDrive}</a>
    </li>
  );
}

