// The virtualised grid: only the rows in sight are in the page, whatever the number of images.
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { Check, ImageOff } from 'lucide-react';
import { memo, useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Image } from '../api/client';
import { tileFallback, tileUrl, useThumbnails } from '../lib/pictures';
import { typeName } from '../lib/format';
import { t } from '../texts/en';

const GAP = 6;

export interface GridProps {
  total: number;
  tile: number; // wished width, px
  imageAt: (index: number) => Image | undefined;
  onVisible: (first: number, last: number) => void;
  selected: ReadonlyMap<number, Image>;
  onToggle: (index: number, extend: boolean) => void;
  onOpen: (index: number) => void;
  onDelete: (index: number) => void;
  focusRequest: { index: number } | null; // the tile that gets the focus back
}

export function Grid(props: GridProps) {
  const { total, tile, imageAt, onVisible, selected, onToggle, onOpen, onDelete, focusRequest } = props;
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      setWidth(element.clientWidth);
      setMargin(element.getBoundingClientRect().top + window.scrollY);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);

  // A phone shows three where a desk shows six.
  const wished = width < 560 ? tile * 0.66 : tile;
  const columns = Math.max(1, Math.floor((width + GAP) / (wished + GAP)));
  const size = Math.floor((width - GAP * (columns - 1)) / columns) || tile;
  const rowCount = width > 0 ? Math.ceil(total / columns) : 0;
  const rows = useWindowVirtualizer({
    count: rowCount,
    estimateSize: () => size + GAP,
    overscan: 3,
    scrollMargin: margin,
    useFlushSync: false,
  });
  useLayoutEffect(() => rows.measure(), [rows, size]);

  const items = rows.getVirtualItems();
  const first = (items[0]?.index ?? 0) * columns;
  const last = Math.min(total, ((items.at(-1)?.index ?? 0) + 1) * columns) - 1;
  useEffect(() => {
    onVisible(first, last);
  }, [onVisible, first, last]);

  // One tile is in the tab order: the one that had the focus last, else the first in sight.
  const [current, setCurrent] = useState(0);
  const pending = useRef<number | null>(null);
  const inSight = current >= first && current <= last ? current : first;
  const focusTile = (index: number) => {
    const target = Math.max(0, Math.min(total - 1, index));
    pending.current = target;
    setCurrent(target);
    rows.scrollToIndex(Math.floor(target / columns), { align: 'auto' });
  };
  useEffect(() => {
    if (focusRequest && rowCount > 0) focusTile(focusRequest.index);
    // Only a new request moves the focus.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [focusRequest]);
  useEffect(() => {
    if (pending.current === null) return;
    const button = box.current?.querySelector<HTMLElement>(`[data-index="${pending.current}"]`);
    if (!button) return;
    const focus = () => {
      button.focus({ preventScroll: true });
      if (document.activeElement === button) pending.current = null;
    };
    focus();
    if (pending.current === null) return;
    // A dialog that is just closing keeps the focus from what is behind it for a moment.
    const timer = setTimeout(focus, 50);
    return () => clearTimeout(timer);
  });

  const thumbnails = useThumbnails(imageAt(first));
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const index = Number((event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset.index ?? NaN);
    if (Number.isNaN(index) || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(window.innerHeight / (size + GAP)) - 1) * columns;
    const moves: Record<string, number> = {
      ArrowRight: index + 1, ArrowLeft: index - 1, ArrowDown: index + columns, ArrowUp: index - columns,
      PageDown: index + page, PageUp: index - page,
      Home: event.ctrlKey ? 0 : index - (index % columns), End: event.ctrlKey ? total - 1 : index - (index % columns) + columns - 1,
    };
    const target = moves[event.key];
    if (target !== undefined) {
      event.preventDefault();
      focusTile(event.key === 'ArrowUp' && target < 0 ? index : target);
    } else if (event.key === ' ') {
      event.preventDefault();
      onToggle(index, event.shiftKey);
    } else if (event.key === 'Delete') {
      event.preventDefault();
      onDelete(index);
    }
  };

  return (
    <div
      ref={box}
      className="grid"
      role="grid"
      aria-label={t.gallery.grid}
      aria-describedby="grid-help"
      aria-rowcount={rowCount}
      aria-colcount={columns}
      aria-multiselectable
      onKeyDown={onKeyDown}
      style={{ height: rows.getTotalSize() }}
    >
      {items.map((row) => (
        <div
          key={row.key}
          className="grid-row"
          role="row"
          aria-rowindex={row.index + 1}
          style={{ transform: `translateY(${row.start - margin}px)`, height: size, gridTemplateColumns: `repeat(${columns}, ${size}px)` }}
        >
          {Array.from({ length: Math.min(columns, total - row.index * columns) }, (_, column) => {
            const index = row.index * columns + column;
            const image = imageAt(index);
            return (
              <Tile
                key={column}
                index={index}
                column={column}
                image={image}
                url={image ? tileUrl(image, size, thumbnails) : null}
                waiting={thumbnails === 'unknown'}
                selected={image ? selected.has(image.id) : false}
                tabbable={index === inSight}
                onFocus={setCurrent}
                onToggle={onToggle}
                onOpen={onOpen}
              />
            );
          })}
        </div>
      ))}
    </div>
  );
}

interface TileProps {
  index: number;
  column: number;
  image: Image | undefined;
  url: string | null;
  waiting: boolean;
  selected: boolean;
  tabbable: boolean;
  onFocus: (index: number) => void;
  onToggle: (index: number, extend: boolean) => void;
  onOpen: (index: number) => void;
}

const Tile = memo(function Tile({ index, column, image, url, waiting, selected, tabbable, onFocus, onToggle, onOpen }: TileProps) {
  const [failed, setFailed] = useState<string | null>(null);
  const [settled, setSettled] = useState(false);
  // A tile that only flies past loads nothing.
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), 120);
    return () => clearTimeout(timer);
  }, []);
  const fallback = image ? tileFallback(image, url) : null;
  const src = failed === null ? url : failed === url ? fallback : null;
  return (
    <div className={`tile ${selected ? 'tile-selected' : ''}`} role="gridcell" aria-colindex={column + 1} aria-selected={selected}>
      <button
        type="button"
        className="tile-button"
        data-index={index}
        tabIndex={tabbable ? 0 : -1}
        onFocus={() => onFocus(index)}
        onClick={(event) => (event.shiftKey || event.ctrlKey || event.metaKey ? onToggle(index, event.shiftKey) : onOpen(index))}
      >
        <span className="sr-only">{image ? t.gallery.open : t.common.loading}</span>
        {image ? <span className="tile-name">{image.name}</span> : null}
        {image && src && settled ? (
          <img src={src} alt="" decoding="async" draggable={false} onError={() => setFailed(src)} />
        ) : image && !src && !waiting ? (
          <span className="tile-blank"><ImageOff aria-hidden size={22} strokeWidth={1.5} /><span>{typeName(image.mime_type)}</span></span>
        ) : null}
      </button>
      {image ? (
        // For the mouse and for touch; the keyboard has the space bar.
        <button type="button" className="tile-check" tabIndex={-1} aria-pressed={selected} aria-label={t.gallery.select(image.name)} onClick={(event) => onToggle(index, event.shiftKey)}>
          <Check aria-hidden size={16} strokeWidth={3} />
        </button>
      ) : null}
    </div>
  );
});
