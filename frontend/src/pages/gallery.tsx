import { useQueryClient } from '@tanstack/react-query';
import { Download, Grid2x2, Grid3x3, Images, SearchX, Square, Trash2, X } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { contentUrl, type Image } from '../api/client';
import { deleteImages, keys, NO_FILTER, type ImageFilter } from '../api/queries';
import { images, t } from '../texts/en';
import { announce } from '../ui/announce';
import { Button, Empty, IconButton, Loading, PageHead, Problem } from '../ui/basics';
import { Confirm } from '../ui/dialog';
import { filtersSet, filterFromSearch, searchOf, useGalleryData } from './gallery-data';
import { Filters, FolderTree } from './gallery-filters';
import { Grid } from './gallery-grid';
import { Viewer } from './viewer';

const SIZES = [
  { tile: 110, icon: Grid3x3, name: 'S' },
  { tile: 170, icon: Grid2x2, name: 'M' },
  { tile: 280, icon: Square, name: 'L' },
] as const;
const SIZE_KEY = 'imgimport.tile';

function useTileSize(): [number, (tile: number) => void] {
  const [tile, setTile] = useState(() => Number(localStorage.getItem(SIZE_KEY)) || 170);
  return [tile, (value) => {
    setTile(value);
    localStorage.setItem(SIZE_KEY, String(value));
  }];
}

export function GalleryPage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const params = new URLSearchParams(search);
  const filterText = JSON.stringify(filterFromSearch(search));
  const filter = useMemo(() => JSON.parse(filterText) as ImageFilter, [filterText]);
  const viewed = Number(params.get('image')) || null;
  const place = params.has('place') ? Number(params.get('place')) : null;

  const [visible, setVisible] = useState<[number, number]>([0, 0]);
  const onVisible = useCallback((first: number, last: number) => setVisible([first, last]), []);
  const [tile, setTile] = useTileSize();
  const data = useGalleryData(filter, Math.min(visible[0], place ?? Infinity), Math.max(visible[1], place === null ? 0 : place + 1));
  const [selected, setSelected] = useState<ReadonlyMap<number, Image>>(new Map());
  const anchor = useRef<number | null>(null);
  const [deleting, setDeleting] = useState<Image[] | null>(null);
  const [focusRequest, setFocusRequest] = useState<{ index: number } | null>(null);

  const change = (next: Partial<ImageFilter>) => {
    setSelected(new Map());
    anchor.current = null;
    window.scrollTo(0, 0);
    navigate(`/gallery${searchOf({ ...filter, ...next })}`, { replace: true });
  };

  const latest = useRef({ data, filter, selected });
  latest.current = { data, filter, selected };
  const onToggle = useCallback((index: number, extend: boolean) => {
    const from = extend && anchor.current !== null ? anchor.current : index;
    void latest.current.data.range(Math.min(from, index), Math.max(from, index)).then((picked) => {
      const next = new Map(latest.current.selected);
      const only = picked.length === 1 && !extend ? picked[0] : undefined;
      if (only && next.has(only.id)) next.delete(only.id);
      else for (const image of picked) next.set(image.id, image);
      anchor.current = index;
      setSelected(next);
    });
  }, []);
  const onOpen = useCallback((index: number) => {
    const image = latest.current.data.imageAt(index);
    if (image) navigate(`/gallery${searchOf(latest.current.filter, { id: image.id, at: index })}`);
  }, [navigate]);
  const onDelete = useCallback((index: number) => {
    const { data: now, selected: marked } = latest.current;
    const image = now.imageAt(index);
    if (marked.size > 0) setDeleting([...marked.values()]);
    else if (image) setDeleting([image]);
  }, []);

  // Above the viewer where that is open, which lets nothing beside it be reached.
  const question = (
    <DeleteDialog
      images={deleting}
      onClose={(deleted) => {
        setDeleting(null);
        if (!deleted) return;
        setSelected(new Map());
        anchor.current = null;
        if (viewed === null) setFocusRequest({ index: visible[0] });
      }}
    />
  );
  const filtered = filtersSet(filter) > 0 || filter.q !== '';
  return (
    <div className="page page-gallery">
      <PageHead title={t.gallery.title}>
        <span className="fine" role="status">{data.total === null ? '' : data.more ? t.gallery.more(data.total) : images(data.total)}</span>
      </PageHead>
      <div className="toolbar gallery-toolbar">
        <SearchField value={filter.q} onChange={(q) => change({ q })} />
        <Filters filter={filter} onChange={change} />
        <div className="segmented" role="group" aria-label={t.gallery.size}>
          {SIZES.map((size) => (
            <IconButton key={size.name} label={`${t.gallery.size}: ${size.name}`} icon={size.icon} aria-pressed={tile === size.tile} onClick={() => setTile(size.tile)} />
          ))}
        </div>
      </div>
      <p id="grid-help" className="sr-only">{t.gallery.help}</p>
      <div className="gallery-body">
        <FolderTree filter={filter} onChange={change} />
        <div className="gallery-main">
          {data.error && data.total === null ? <Problem error={data.error} onRetry={data.refetch} /> : null}
          {data.total === null && !data.error ? <Loading /> : null}
          {data.total === 0 && filtered ? (
            <Empty icon={SearchX} title={t.gallery.noMatch} action={<Button onClick={() => change(NO_FILTER)}>{t.gallery.clearFilters}</Button>}>{t.gallery.noMatchText}</Empty>
          ) : null}
          {data.total === 0 && !filtered ? (
            <Empty icon={Images} title={t.gallery.none} action={<Link href="/" className="button button-primary"><span>{t.jobs.begin}</span></Link>}>{t.gallery.noneText}</Empty>
          ) : null}
          {data.total ? (
            <Grid
              total={data.total}
              tile={tile}
              imageAt={data.imageAt}
              onVisible={onVisible}
              selected={selected}
              onToggle={onToggle}
              onOpen={onOpen}
              onDelete={onDelete}
              focusRequest={focusRequest}
            />
          ) : null}
        </div>
      </div>

      {selected.size > 0 ? (
        <SelectionBar selected={selected} onClear={() => setSelected(new Map())} onDelete={() => setDeleting([...selected.values()])} />
      ) : null}
      {viewed !== null ? (
        <Viewer
          id={viewed}
          place={place}
          total={data.total}
          imageAt={data.imageAt}
          onMove={(image, at) => navigate(`/gallery${searchOf(filter, { id: image.id, at })}`, { replace: true })}
          onClose={() => {
            navigate(`/gallery${searchOf(filter)}`, { replace: true });
            if (place !== null) setFocusRequest({ index: place });
          }}
          onDelete={(image) => setDeleting([image])}
          confirming={deleting !== null}
        >
          {question}
        </Viewer>
      ) : question}
    </div>
  );
}

function SearchField({ value, onChange }: { value: string; onChange: (q: string) => void }) {
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), 250);
    return () => clearTimeout(timer);
  }, [text, value]);
  return <input className="input search" type="search" aria-label={t.gallery.search} placeholder={t.gallery.search} value={text} onChange={(event) => setText(event.target.value)} />;
}

function SelectionBar({ selected, onClear, onDelete }: { selected: ReadonlyMap<number, Image>; onClear: () => void; onDelete: () => void }) {
  // One download after the other: browsers ask once whether a page may save several files.
  const download = async () => {
    for (const image of selected.values()) {
      const link = document.createElement('a');
      link.href = contentUrl(image.id);
      link.download = image.name;
      link.click();
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  return (
    <div className="selection" role="region" aria-label={t.gallery.selected(selected.size)}>
      <IconButton label={t.gallery.clearSelection} icon={X} onClick={onClear} />
      <strong role="status">{t.gallery.selected(selected.size)}</strong>
      <span className="toolbar-space" />
      <Button kind="quiet" icon={Download} onClick={() => void download()}>{t.gallery.download}</Button>
      <Button kind="danger" icon={Trash2} onClick={onDelete}>{t.gallery.delete}</Button>
    </div>
  );
}

function DeleteDialog({ images: list, onClose }: { images: Image[] | null; onClose: (deleted: boolean) => void }) {
  const client = useQueryClient();
  const [done, setDone] = useState<number | null>(null);
  const kept = useRef<Image[]>([]);
  if (list) kept.current = list;
  const shown = kept.current;
  const run = async () => {
    setDone(0);
    const result = await deleteImages(shown, setDone);
    setDone(null);
    if (result.deleted > 0) announce(t.gallery.deleted(result.deleted));
    if (result.failed.length > 0) announce(`${t.gallery.deleteFailed(result.failed.length)} ${result.failed[0]?.error.message ?? ''}`, true);
    await Promise.all([client.invalidateQueries({ queryKey: keys.images }), client.invalidateQueries({ queryKey: keys.stats })]);
    onClose(result.deleted > 0);
  };
  return (
    <Confirm
      open={list !== null}
      onClose={() => done === null && onClose(false)}
      title={t.gallery.deleteTitle(shown.length)}
      text={t.gallery.deleteText}
      yes={t.gallery.deleteYes(shown.length)}
      onYes={() => void run()}
      busy={done !== null}
    >
      {shown.length === 1 && shown[0] ? <p className="dialog-name">{shown[0].name}</p> : null}
      {done !== null ? <p role="status">{t.gallery.deleting(done, shown.length)}</p> : null}
    </Confirm>
  );
}

