import { Popover, PopoverDisclosure, PopoverHeading, PopoverProvider } from '@ariakit/react';
import { ChevronRight, Folder as FolderIcon, FolderOpen, SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { NO_FILTER, useCameras, useFolders, useJobs, useStats, type ImageFilter } from '../api/queries';
import { count, onDay } from '../lib/format';
import { t } from '../texts/en';
import { Button } from '../ui/basics';
import { filtersSet } from './gallery-data';
import { jobName } from '../ui/job-card';

interface Props {
  filter: ImageFilter;
  onChange: (change: Partial<ImageFilter>) => void;
}

export function Filters({ filter, onChange }: Props) {
  const jobs = useJobs();
  const stats = useStats();
  const cameras = useCameras();
  const providers = (stats.data?.by_provider ?? []).filter((row) => row.images > 0);
  const known = cameras.data !== undefined;
  const set = filtersSet(filter);
  return (
    <PopoverProvider placement="bottom-end">
      <PopoverDisclosure aria-label={set > 0 ? t.gallery.filtersSet(set) : t.gallery.filters} className={`button button-plain ${set > 0 ? 'button-set' : ''}`}>
        <SlidersHorizontal aria-hidden size={18} />
        <span>{set > 0 ? t.gallery.filtersSet(set) : t.gallery.filters}</span>
      </PopoverDisclosure>
      <Popover gutter={8} className="popover">
        <PopoverHeading className="popover-title">{t.gallery.filters}</PopoverHeading>
        <label className="field">
          <span>{t.gallery.job}</span>
          <select className="input" value={filter.job_id} onChange={(event) => onChange({ job_id: event.target.value })}>
            <option value="">{t.gallery.anyJob}</option>
            {(jobs.data ?? []).filter((job) => !job.dry_run).map((job) => (
              <option key={job.job_id} value={job.job_id}>{`${jobName(job)}, ${onDay(job.created_at)}`}</option>
            ))}
          </select>
        </label>
        {providers.length > 1 || filter.storage_provider ? (
          <label className="field">
            <span>{t.gallery.provider}</span>
            <select className="input" value={filter.storage_provider} onChange={(event) => onChange({ storage_provider: event.target.value })}>
              <option value="">{t.gallery.anyProvider}</option>
              {providers.map((row) => (
                <option key={row.storage_provider} value={row.storage_provider}>{t.gallery.providers[row.storage_provider] ?? row.storage_provider}</option>
              ))}
            </select>
          </label>
        ) : null}
        {known ? (
          <>
            <label className="field">
              <span>{t.gallery.camera}</span>
              <select className="input" value={filter.camera} onChange={(event) => onChange({ camera: event.target.value })}>
                <option value="">{t.gallery.anyCamera}</option>
                {cameras.data?.map((camera) => <option key={camera} value={camera}>{camera}</option>)}
              </select>
            </label>
            <div className="pair">
              <label className="field">
                <span>{t.gallery.takenFrom}</span>
                <input className="input" type="date" value={filter.taken_after} onChange={(event) => onChange({ taken_after: event.target.value })} />
              </label>
              <label className="field">
                <span>{t.gallery.takenUntil}</span>
                <input className="input" type="date" value={filter.taken_before} onChange={(event) => onChange({ taken_before: event.target.value })} />
              </label>
            </div>
          </>
        ) : null}
        {set > 0 ? <Button kind="quiet" onClick={() => onChange({ ...NO_FILTER, q: filter.q })}>{t.gallery.clearFilters}</Button> : null}
      </Popover>
    </PopoverProvider>
  );
}

export function FolderTree({ filter, onChange }: Props) {
  const root = useFolders('');
  if (!root.data || root.data.length === 0) return null;
  const pick = (folder: string) => onChange({ folder });
  return (
    <nav className="folders" aria-label={t.gallery.folders}>
      <h2>{t.gallery.folders}</h2>
      <ul>
        <li>
          <button type="button" className="folder" aria-current={filter.folder === '' ? 'true' : undefined} onClick={() => pick('')}>
            <FolderIcon aria-hidden size={16} /> <span>{t.gallery.allFolders}</span>
          </button>
        </li>
        {root.data.map((folder) => <Branch key={folder.path} folder={folder} chosen={filter.folder} onPick={pick} />)}
      </ul>
    </nav>
  );
}

function Branch({ folder, chosen, onPick }: { folder: { path: string; name: string; images: number }; chosen: string; onPick: (path: string) => void }) {
  const inside = chosen === folder.path || chosen.startsWith(`${folder.path}/`);
  const [open, setOpen] = useState(inside);
  const children = useFolders(folder.path, open);
  const here = chosen === folder.path;
  return (
    <li>
      <div className="folder-line">
        <button type="button" className="folder-toggle" aria-expanded={open} aria-label={folder.name} onClick={() => setOpen(!open)}>
          <ChevronRight aria-hidden size={14} />
        </button>
        <button type="button" className="folder" aria-current={here ? 'true' : undefined} onClick={() => { onPick(folder.path); setOpen(true); }}>
          {here ? <FolderOpen aria-hidden size={16} /> : <FolderIcon aria-hidden size={16} />}
          <span className="folder-name">{folder.name}</span>
          <span className="fine">{count(folder.images)}</span>
        </button>
      </div>
      {open && children.data && children.data.length > 0 ? (
        <ul>{children.data.map((child) => <Branch key={child.path} folder={child} chosen={chosen} onPick={onPick} />)}</ul>
      ) : null}
    </li>
  );
}
