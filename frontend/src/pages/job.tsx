import { useQueryClient } from '@tanstack/react-query';
import { Ban, ExternalLink, Images, RotateCcw, SearchX, ShieldCheck, TriangleAlert } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { Progress } from '../api/client';
import { hasEnded, settled, useLiveJob, type LiveState } from '../api/live';
import { keys, useCancel, useRetry, useVerify } from '../api/queries';
import { bytes, count, duration, percentText, perSecond, when } from '../lib/format';
import { rates } from '../lib/rates';
import { t } from '../texts/en';
import { announce } from '../ui/announce';
import { Button, Card, CopyButton, Empty, Figure, Loading, Notice, PageHead, Problem } from '../ui/basics';
import { LineChart } from '../ui/chart';
import { Confirm } from '../ui/dialog';
import { Counts, ProgressBar, StatusBadge } from '../ui/progress';
import { jobName } from '../ui/job-card';

export function JobPage({ id }: { id: string }) {
  const live = useLiveJob(id);
  const { progress, error } = live;
  useFreshLists(progress);
  if (error) {
    return error.status === 404 || error.status === 400 ? (
      <>
        <PageHead title={t.job.notFound} />
        <Empty icon={SearchX} title={error.message} action={<Link href="/jobs" className="button button-primary"><span>{t.import.allJobs}</span></Link>}>{error.remedy}</Empty>
      </>
    ) : <Problem error={error} onRetry={live.restart} />;
  }
  if (!progress) return <Loading />;
  return <JobView progress={progress} live={live} />;
}

// What other pages show of this job changes with it.
function useFreshLists(progress: Progress | null): void {
  const client = useQueryClient();
  const status = progress?.status;
  const before = useRef(status);
  useEffect(() => {
    if (before.current !== status) {
      for (const key of [keys.jobs, keys.images, keys.stats, keys.items]) void client.invalidateQueries({ queryKey: key });
    }
    // Whoever watched is told, also by a screen reader.
    const running = before.current === 'listing' || before.current === 'processing';
    if (progress && running && hasEnded(progress.status) && !progress.dry_run) {
      announce(t.job.ended(t.status[progress.status], count(progress.processed), count(progress.total)), progress.status === 'failed');
    }
    before.current = status;
  }, [status, progress, client]);
}

function JobView({ progress, live }: { progress: Progress; live: LiveState & { restart: () => void } }) {
  const ended = hasEnded(progress.status);
  // While it runs, what is settled; in the end, what is safe.
  const shown = ended && !progress.dry_run ? progress.processed : settled(progress);
  return (
    <div className="page page-job">
      <PageHead title={jobName(progress)} state={ended ? '' : percentText(shown, progress.total)}>
        <StatusBadge job={progress} />
        {live.line !== 'ended' ? <span className={`line line-${live.line}`}>{t.job.lines[live.line]}</span> : null}
      </PageHead>

      {progress.status === 'failed' ? (
        <Notice title={progress.error ?? t.problems.stopped} remedy={progress.remedy ?? ''} />
      ) : progress.error ? (
        <Notice tone="warning" title={progress.error} remedy={progress.remedy ?? ''} />
      ) : null}
      {progress.hindrance ? (
        <Notice tone="warning" title={progress.hindrance.error} remedy={progress.hindrance.remedy ?? ''} />
      ) : null}

      <Card className="job-main">
        <div className="job-percent">
          <strong>{percentText(shown, progress.total)}</strong>
          <span>{ended ? t.job.safe(count(shown), count(progress.total)) : t.jobs.of(count(shown), count(progress.total))}</span>
        </div>
        <ProgressBar job={progress} />
        {progress.status === 'listing' ? <p className="fine">{t.job.listingNote}</p> : null}
        <Counts job={progress} />
        {progress.deferred > 0 && ended ? <p className="fine">{t.job.deferredNote(progress.deferred)}</p> : null}
        {progress.dry_run ? null : <Speed progress={progress} samples={live.samples} ended={ended} />}
        <Actions progress={progress} ended={ended} onRetried={live.restart} />
      </Card>
      <Details progress={progress} />
    </div>
  );
}

function Speed({ progress, samples, ended }: { progress: Progress; samples: LiveState['samples']; ended: boolean }) {
  const points = useMemo(() => rates(samples), [samples]);
  const last = points.at(-1);
  const seconds = progress.finished_at ? (Date.parse(progress.finished_at) - Date.parse(progress.created_at)) / 1000 : 0;
  const imageRate = ended ? (seconds > 0 ? progress.imported_count / seconds : 0) : (last?.images ?? progress.rate);
  const byteRate = ended ? (seconds > 0 ? progress.bytes / seconds : 0) : (last?.bytes ?? 0);
  const chart = !ended || points.length > 1;
  const hint = ended ? t.job.average : undefined;
  const mb = (value: number) => perSecond(value / 1e6);
  const peak = (values: number[]) => Math.max(...values, 0);
  return (
    <div className="speed">
      <div>
        <dl><Figure label={t.job.imageRate} value={perSecond(imageRate)} hint={hint} /></dl>
        {chart ? <LineChart
          tone="a"
          points={points.map((point) => ({ at: point.at, value: point.images }))}
          format={perSecond}
          label={t.job.chart(t.job.imageRate, perSecond(imageRate), perSecond(peak(points.map((p) => p.images))))}
        /> : null}
      </div>
      <div>
        <dl><Figure label={t.job.byteRate} value={mb(byteRate)} hint={hint} /></dl>
        {chart ? <LineChart
          tone="b"
          points={points.map((point) => ({ at: point.at, value: point.bytes / 1e6 }))}
          format={perSecond}
          label={t.job.chart(t.job.byteRate, mb(byteRate), mb(peak(points.map((p) => p.bytes))))}
        /> : null}
      </div>
      <dl className="speed-rest">
        {ended ? (
          <Figure label={t.job.took} value={seconds > 0 ? duration(seconds) : t.job.leftUnknown} />
        ) : (
          <Figure label={t.job.left} value={progress.eta_seconds === null ? t.job.leftUnknown : duration(progress.eta_seconds)} />
        )}
        <Figure label={t.job.arrived} value={bytes(progress.bytes)} />
      </dl>
    </div>
  );
}

function Actions({ progress, ended, onRetried }: { progress: Progress; ended: boolean; onRetried: () => void }) {
  const [asking, setAsking] = useState(false);
  const cancel = useCancel();
  const retry = useRetry();
  const verify = useVerify();
  const problems = progress.failed + progress.deferred;
  const left = problems + progress.cancelled;
  // Stopped, or completed with a warning: folders were left out.
  const incomplete = progress.status !== 'completed' || progress.error !== undefined;
  const job = progress.job_id;
  const runRetry = () =>
    retry.mutate(job, {
      onSuccess: (answer) => {
        announce(t.job.retried(answer.retried));
        onRetried();
      },
    });
  const report = verify.data;
  const broken = report ? report.missing_count + report.different_count : 0;
  return (
    <>
      <div className="job-actions">
        {progress.processed > 0 && !progress.dry_run ? <Link href={`/gallery?job=${job}`} className="button button-primary"><Images aria-hidden size={18} /><span>{t.job.gallery}</span></Link> : null}
        {problems > 0 && !progress.dry_run ? <Link href={`/problems?job=${job}`} className="button button-plain"><TriangleAlert aria-hidden size={18} /><span>{t.job.problems}</span></Link> : null}
        {ended && !progress.dry_run && (left > 0 || incomplete) ? (
          <Button icon={RotateCcw} onClick={runRetry} busy={retry.isPending}>{t.job.retry}</Button>
        ) : null}
        {ended && progress.processed > 0 && !progress.dry_run ? (
          <Button kind="quiet" icon={ShieldCheck} onClick={() => verify.mutate(job)} busy={verify.isPending}>{verify.isPending ? t.job.verifying : t.job.verify}</Button>
        ) : null}
        {!ended ? <Button kind="quiet" icon={Ban} onClick={() => setAsking(true)}>{t.job.cancel}</Button> : null}
      </div>
      {retry.error ? <Problem error={retry.error} /> : null}
      {cancel.error ? <Problem error={cancel.error} /> : null}
      {verify.error ? <Problem error={verify.error} /> : null}
      {report && broken === 0 ? <p className="good-note" role="status"><ShieldCheck aria-hidden size={18} /> {t.job.verified(report.ok)}</p> : null}
      {report && broken > 0 ? <Notice title={t.job.damaged(report.missing_count, report.different_count)} /> : null}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={t.job.cancelTitle}
        text={t.job.cancelText}
        yes={t.job.cancelYes}
        no={t.job.cancelNo}
        busy={cancel.isPending}
        onYes={() => cancel.mutate(job, { onSettled: () => setAsking(false) })}
      />
    </>
  );
}

function Details({ progress }: { progress: Progress }) {
  const url = /^https?:\/\//.test(progress.folder_url) ? progress.folder_url : null;
  return (
    <Card title={t.job.details}>
      <dl className="facts">
        <dt>{t.job.folder}</dt>
        <dd>
          {url ? <a href={url} target="_blank" rel="noreferrer">{t.job.openDrive} <ExternalLink aria-hidden size={14} /></a> : progress.folder_url}
        </dd>
        <dt>{t.job.subfolders}</dt>
        <dd>{progress.recursive ? t.job.yes : t.job.no}</dd>
        <dt>{t.job.started}</dt>
        <dd><time dateTime={progress.created_at}>{when(progress.created_at)}</time></dd>
        {progress.finished_at ? (
          <>
            <dt>{t.job.endedAt}</dt>
            <dd><time dateTime={progress.finished_at}>{when(progress.finished_at)}</time></dd>
          </>
        ) : null}
        <dt>{t.job.id}</dt>
        <dd><code>{progress.job_id}</code> <CopyButton text={progress.job_id} /></dd>
      </dl>
      <Link href={`/?link=${encodeURIComponent(progress.folder_url)}`} className="button button-plain"><span>{t.job.again}</span></Link>
    </Card>
  );
}
