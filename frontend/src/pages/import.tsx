import { Disclosure, DisclosureContent, DisclosureProvider } from '@ariakit/react';
import { CheckCircle2, ChevronRight, ClipboardPaste, Info, SlidersHorizontal } from 'lucide-react';
import { useId, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError } from '../api/client';
import { useRecentJobs, useSubmit, type Submitted } from '../api/queries';
import { AttemptKeys } from '../lib/attempt-keys';
import { readDriveLink, type DriveLink } from '../lib/drive-link';
import { t } from '../texts/en';
import { announce } from '../ui/announce';
import { Button, PageHead, Problem } from '../ui/basics';
import { DryRun } from './dry-run';
import { NO_OPTIONS, OptionFields, optionsError, optionsSet, toFilters, type Options } from './import-options';
import { JobCard } from '../ui/job-card';

const say = (link: DriveLink): string =>
  link.kind === 'folder' && link.resourceKey ? t.import.linkIs.folderWithKey : t.import.linkIs[link.kind];

export function ImportPage() {
  const [text, setText] = useState(() => new URLSearchParams(location.search).get('link') ?? '');
  const [options, setOptions] = useState<Options>(NO_OPTIONS);
  const [checked, setChecked] = useState<{ job: string; for: string } | null>(null);
  const [touched, setTouched] = useState(false);
  const [, navigate] = useLocation();
  const [attempts] = useState(() => new AttemptKeys());
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const check = useSubmit();
  const start = useSubmit();
  const jobs = useRecentJobs();

  const link = readDriveLink(text);
  const valid = link.kind === 'folder';
  const wrong = !valid && link.kind !== 'empty' && (touched || link.kind !== 'unfinished');
  const wanted = { folder_url: text.trim(), recursive: options.recursive, filters: toFilters(options) };
  const badOptions = optionsError(options);
  // A result belongs to the link and the options it was made for.
  const now = JSON.stringify(wanted);
  const shown = checked?.for === now ? checked.job : null;

  const ready = () => {
    setTouched(true);
    if (!valid) field.current?.focus();
    return valid && !badOptions;
  };
  const submit = (mutation: typeof check, dryRun: boolean, onSuccess: (answer: Submitted) => void) => {
    const request = { ...wanted, dry_run: dryRun };
    const content = JSON.stringify(request);
    mutation.mutate({ wanted: request, key: attempts.of(content) }, {
      onSuccess: (answer) => {
        attempts.answered(content);
        onSuccess(answer);
      },
      onError: (error) => {
        // An import that failed as it listed goes on with the same key; a dry run has to begin anew.
        if (dryRun && error instanceof ApiError && error.status !== 0) attempts.answered(content);
      },
    });
  };
  const runCheck = () => {
    if (!ready()) return;
    start.reset();
    submit(check, true, (answer) => setChecked({ job: answer.job_id, for: now }));
  };
  const runImport = () => {
    if (!ready()) return;
    check.reset();
    submit(start, false, (answer) => navigate(`/jobs/${answer.job_id}`));
  };
  const paste = async () => {
    try {
      setText((await navigator.clipboard.readText()).trim());
      setTouched(true);
    } catch {
      announce(t.import.pasteFailed, true);
    }
    field.current?.focus();
  };

  const recent = jobs.data?.filter((job) => !job.dry_run).slice(0, 3) ?? [];
  const error = check.error ?? start.error;
  return (
    <div className="page page-import">
      <PageHead title={t.import.title} lead={t.import.lead} />
      <form
        className="card import-card"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (shown) runImport();
          else runCheck();
        }}
      >
        <label htmlFor={id} className="import-label">{t.import.link}</label>
        <div className={`link-field ${valid ? 'link-valid' : wrong ? 'link-wrong' : ''}`}>
          <input
            id={id}
            ref={field}
            type="text"
            inputMode="url"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder={t.import.placeholder}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onBlur={() => text && setTouched(true)}
            aria-invalid={wrong || undefined}
            aria-describedby={`${id}-hint`}
          />
          {text === '' ? <Button kind="quiet" icon={ClipboardPaste} onClick={() => void paste()}>{t.import.paste}</Button> : null}
        </div>
        <p id={`${id}-hint`} className={`link-hint ${valid ? 'good' : wrong ? 'bad' : ''}`} role="status">
          {valid ? <CheckCircle2 aria-hidden size={16} /> : <Info aria-hidden size={16} />}
          <span>{say(link)}</span>
        </p>

        <DisclosureProvider>
          <Disclosure className="disclosure">
            <ChevronRight aria-hidden size={18} className="disclosure-arrow" />
            <SlidersHorizontal aria-hidden size={18} />
            {optionsSet(options) > 0 ? t.import.optionsSet(optionsSet(options)) : t.import.options}
          </Disclosure>
          <DisclosureContent className="disclosure-content">
            <OptionFields options={options} onChange={setOptions} />
            {badOptions ? <p className="field-error" role="alert">{badOptions}</p> : null}
            {optionsSet(options) > 0 ? <Button kind="quiet" onClick={() => setOptions(NO_OPTIONS)}>{t.import.clear}</Button> : null}
          </DisclosureContent>
        </DisclosureProvider>

        {error ? <Problem error={error} /> : null}
        {shown ? (
          <DryRun job={shown} starting={start.isPending} />
        ) : (
          <div className="import-actions">
            <Button kind="primary" type="submit" busy={check.isPending}>{t.import.check}</Button>
            <Button onClick={runImport} busy={start.isPending}>{t.import.startUnchecked}</Button>
            <span className="fine">{t.import.checkHint}</span>
          </div>
        )}
      </form>

      {recent.length > 0 ? (
        <section className="recent">
          <header className="section-head">
            <h2>{t.import.recent}</h2>
            <Link href="/jobs">{t.import.allJobs}</Link>
          </header>
          <ul className="job-list">{recent.map((job) => <li key={job.job_id}><JobCard job={job} /></li>)}</ul>
        </section>
      ) : jobs.isSuccess ? (
        <ol className="steps">
          {t.import.steps.map((step, i) => (
            <li key={step.title}>
              <span className="step-number" aria-hidden>{i + 1}</span>
              <h2>{step.title}</h2>
              <p>{step.text}</p>
            </li>
          ))}
        </ol>
      ) : null}
    </div>
  );
}
