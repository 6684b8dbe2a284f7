// One image, as large as the window, with all that is known of it.
import { Dialog, DialogHeading } from '@ariakit/react';
import { ChevronLeft, ChevronRight, Download, ImageOff, Info, Maximize2, Trash2, X, ZoomIn, ZoomOut } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { Link } from 'wouter';
import { ApiError, contentUrl, thumbnailUrl, type Image } from '../api/client';
import { useImage } from '../api/queries';
import { browsersShow, largeSources, useThumbnails, type Source } from '../lib/pictures';
import { bytes, coordinates, count, localTime, typeName, when } from '../lib/format';
import { t } from '../texts/en';
import { CopyButton, IconButton, Problem } from '../ui/basics';

interface Props {
  id: number;
  place: number | null; // in the gallery's order
  total: number | null;
  imageAt: (index: number) => Image | undefined;
  onMove: (image: Image, at: number) => void;
  onClose: () => void;
  onDelete: (image: Image) => void;
  confirming: boolean;
  children: ReactNode; // dialogs above this one
}

const INFO_KEY = 'imgimport.info';

export function Viewer({ id, place, total, imageAt, onMove, onClose, onDelete, confirming, children }: Props) {
  const near = place === null ? undefined : imageAt(place);
  const fetched = useImage(id);
  const image = near?.id === id ? near : fetched.data;
  const gone = fetched.error instanceof ApiError && fetched.error.status === 404;
  const [info, setInfo] = useState(() => (localStorage.getItem(INFO_KEY) ?? (window.innerWidth > 900 ? '1' : '0')) === '1');
  const zoom = useRef<ZoomHandle>(null);
  const stage = useRef<HTMLDivElement>(null);

  // After a deletion the next image has taken the place.
  useEffect(() => {
    if (!gone || place === null) return;
    const next = imageAt(place) ?? (place > 0 ? imageAt(place - 1) : undefined);
    if (next && next.id !== id) onMove(next, imageAt(place) ? place : place - 1);
  });

  const neighbour = (step: number) => (place === null || place + step < 0 ? undefined : imageAt(place + step));
  const move = (step: number) => {
    const next = neighbour(step);
    if (next && place !== null) onMove(next, place + step);
  };
  const toggleInfo = () => {
    localStorage.setItem(INFO_KEY, info ? '0' : '1');
    setInfo(!info);
  };
  const download = () => document.getElementById('viewer-download')?.click();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || confirming) return;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => move(-1),
      ArrowRight: () => move(1),
      '+': () => zoom.current?.by(1.4),
      '=': () => zoom.current?.by(1.4),
      '-': () => zoom.current?.by(1 / 1.4),
      '0': () => zoom.current?.fit(),
      i: toggleInfo,
      d: download,
      Delete: () => image && onDelete(image),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };

  return (
    <Dialog open onClose={onClose} hideOnEscape={!confirming} className="viewer" backdrop={<div className="viewer-backdrop" />} onKeyDown={onKeyDown} initialFocus={stage} autoFocusOnHide={false}>
      <header className="viewer-bar">
        <IconButton label={t.viewer.close} icon={X} onClick={onClose} />
        <DialogHeading className="viewer-title">{image?.name ?? (gone ? t.viewer.gone : t.common.loading)}</DialogHeading>
        {place !== null && total !== null ? <span className="viewer-place">{t.viewer.position(place + 1, total)}</span> : null}
        <span className="toolbar-space" />
        <IconButton className="wide-only" label={t.viewer.zoomOut} icon={ZoomOut} onClick={() => zoom.current?.by(1 / 1.4)} />
        <IconButton className="wide-only" label={t.viewer.fit} icon={Maximize2} onClick={() => zoom.current?.fit()} />
        <IconButton className="wide-only" label={t.viewer.zoomIn} icon={ZoomIn} onClick={() => zoom.current?.by(1.4)} />
        <IconButton label={t.viewer.info} icon={Info} aria-pressed={info} onClick={toggleInfo} />
        {image ? (
          <>
            <a id="viewer-download" className="icon-button" href={contentUrl(image.id)} download={image.name} aria-label={t.viewer.download}><Download aria-hidden size={20} /></a>
            <IconButton label={t.viewer.delete} icon={Trash2} onClick={() => onDelete(image)} />
          </>
        ) : null}
      </header>
      <div className="viewer-body">
        <div className="viewer-stage" ref={stage} tabIndex={-1}>
          {image ? <Picture key={image.id} image={image} handle={zoom} onSwipe={move} /> : null}
          {fetched.error && !image ? <Problem error={fetched.error} title={gone ? t.viewer.gone : fetched.error.message} /> : null}
          {neighbour(-1) ? <IconButton className="viewer-step viewer-previous" label={t.viewer.previous} icon={ChevronLeft} onClick={() => move(-1)} /> : null}
          {neighbour(1) ? <IconButton className="viewer-step viewer-next" label={t.viewer.next} icon={ChevronRight} onClick={() => move(1)} /> : null}
          <Preload images={[neighbour(1), neighbour(-1)].filter((one) => one !== undefined)} />
        </div>
        {info && image ? <Facts image={image} /> : null}
      </div>
      {children}
    </Dialog>
  );
}

interface ZoomHandle {
  by: (factor: number) => void;
  fit: () => void;
}
interface View {
  scale: number;
  x: number;
  y: number;
}
const FIT: View = { scale: 1, x: 0, y: 0 };
const MOST = 12;

const SWIPE = 50; // px

function Picture({ image, handle, onSwipe }: { image: Image; handle: React.RefObject<ZoomHandle | null>; onSwipe: (step: number) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>(FIT);
  const [loaded, setLoaded] = useState(false);
  const [failed, setFailed] = useState(0); // how many of the sources
  const thumbnails = useThumbnails(image);
  const pointers = useRef(new Map<number, { x: number; y: number }>());

  // About a point of the stage, measured from its middle.
  const zoomAt = (factor: number, x: number, y: number) =>
    setView((before) => {
      const scale = Math.min(MOST, Math.max(1, before.scale * factor));
      if (scale === 1) return FIT;
      const real = scale / before.scale;
      return { scale, x: x - (x - before.x) * real, y: y - (y - before.y) * real };
    });
  handle.current = { by: (factor) => zoomAt(factor, 0, 0), fit: () => setView(FIT) };

  const fromMiddle = (event: { clientX: number; clientY: number }) => {
    const frame = box.current?.getBoundingClientRect();
    return frame ? { x: event.clientX - frame.left - frame.width / 2, y: event.clientY - frame.top - frame.height / 2 } : { x: 0, y: 0 };
  };
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { x, y } = fromMiddle(event);
      zoomAt(Math.exp(-event.deltaY / 300), x, y);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const onPointerMove = (event: PointerEvent) => {
    const held = pointers.current;
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (held.size === 1) setView((one) => (one.scale === 1 ? one : { ...one, x: one.x + now.x - before.x, y: one.y + now.y - before.y }));
    if (held.size === 2) {
      const other = [...held].find(([pointer]) => pointer !== event.pointerId)?.[1];
      if (other) {
        const spread = (a: { x: number; y: number }) => Math.hypot(a.x - other.x, a.y - other.y);
        const { x, y } = fromMiddle({ clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 });
        if (spread(before) > 0) zoomAt(spread(now) / spread(before), x, y);
      }
    }
    held.set(event.pointerId, now);
  };
  const start = useRef<{ x: number; y: number } | null>(null);
  const drop = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    const from = start.current;
    start.current = null;
    if (!from || event.type !== 'pointerup' || event.pointerType === 'mouse' || view.scale > 1) return;
    const x = event.clientX - from.x;
    if (Math.abs(x) > SWIPE && Math.abs(x) > 1.5 * Math.abs(event.clientY - from.y)) onSwipe(x < 0 ? 1 : -1);
  };

  const shown = browsersShow(image.mime_type);
  const sources = largeSources(image, thumbnails);
  const source = sources[failed];
  const nothing = !source && (thumbnails !== 'unknown' || failed > 0);
  return (
    <div
      ref={box}
      className={`picture ${view.scale > 1 ? 'picture-zoomed' : ''}`}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        // A second finger makes it a zoom.
        start.current = pointers.current.size === 1 ? { x: event.clientX, y: event.clientY } : null;
      }}
      onPointerMove={onPointerMove}
      onPointerUp={drop}
      onPointerCancel={drop}
      onDoubleClick={(event) => {
        const { x, y } = fromMiddle(event);
        if (view.scale > 1) setView(FIT);
        else zoomAt(2.5, x, y);
      }}
    >
      {nothing ? (
        <div className="viewer-blank">
          <ImageOff aria-hidden size={40} strokeWidth={1.3} />
          <p>{shown ? t.viewer.broken : t.viewer.noPreview}</p>
          {shown ? null : <p className="fine">{t.viewer.noPreviewText}</p>}
        </div>
      ) : (
        <div className="picture-layer" style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}>
          {!loaded && thumbnails === 'yes' && shown ? <img className="picture-soon" src={thumbnailUrl(image, 320)} alt="" draggable={false} /> : null}
          {source ? (
            <img
              key={source.src}
              src={source.src}
              srcSet={source.srcSet}
              sizes="100vw"
              alt={t.viewer.label(image.name)}
              width={image.width ?? undefined}
              height={image.height ?? undefined}
              draggable={false}
              onLoad={() => setLoaded(true)}
              onError={() => setFailed(failed + 1)}
            />
          ) : null}
        </div>
      )}
    </div>
  );
}

function Preload({ images }: { images: Image[] }) {
  const thumbnails = useThumbnails(images[0]);
  const sources = JSON.stringify(images.map((image) => largeSources(image, thumbnails)[0]).filter((one) => one !== undefined));
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const { src, srcSet } of JSON.parse(sources) as Source[]) {
        const picture = new window.Image();
        picture.sizes = '100vw';
        if (srcSet) picture.srcset = srcSet;
        picture.src = src;
      }
    }, 250);
    return () => clearTimeout(timer);
  }, [sources]);
  return null;
}

function Facts({ image }: { image: Image }) {
  const { latitude, longitude } = image;
  const facts: [string, ReactNode][] = [
    [t.viewer.facts.file, image.name],
    [t.viewer.facts.folder, image.folder_path],
    [t.viewer.facts.dimensions, image.width && image.height ? `${count(image.width)} × ${count(image.height)}` : null],
    [t.viewer.facts.size, bytes(image.size)],
    [t.viewer.facts.type, typeName(image.mime_type)],
    [t.viewer.facts.taken, image.taken_at ? localTime(image.taken_at) : null],
    [t.viewer.facts.camera, image.camera],
    [
      t.viewer.facts.place,
      latitude !== null && longitude !== null ? (
        <>
          {coordinates(latitude, longitude)}
          <br />
          <a href={`https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=13/${latitude}/${longitude}`} target="_blank" rel="noreferrer">{t.viewer.map}</a>
        </>
      ) : null,
    ],
    [t.viewer.facts.modified, image.drive_modified_at ? when(image.drive_modified_at) : null],
    [t.viewer.facts.stored, `${when(image.created_at)} · ${t.gallery.providers[image.storage_provider] ?? image.storage_provider}`],
    [t.viewer.facts.import, image.job_id ? <Link href={`/jobs/${image.job_id}`}>{image.job_id.slice(0, 8)}</Link> : null],
    [
      t.viewer.facts.checksum,
      <>
        {image.checksum_verified ? t.viewer.verified : t.viewer.unverified}
        {image.sha256 ? <><br /><CopyButton text={image.sha256} label={t.viewer.copyHash} /></> : null}
      </>,
    ],
    [t.viewer.facts.key, <code>{image.object_key}</code>],
  ];
  return (
    <aside className="viewer-facts" aria-label={t.viewer.info} tabIndex={0}>
      <dl className="facts">
        {facts.filter(([, value]) => value !== null && value !== '').map(([name, value]) => (
          <div key={name} className="facts-row"><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
      <p><a href={`https://drive.google.com/file/d/${encodeURIComponent(image.google_drive_id)}/view`} target="_blank" rel="noreferrer">{t.viewer.drive}</a></p>
      <p className="fine wide-only">{t.viewer.keys}</p>
    </aside>
  );
}
