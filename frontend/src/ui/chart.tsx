// Two small charts of our own: a library would weigh more than the rest of the app.
import { useId, useLayoutEffect, useRef, useState } from 'react';

function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

// A round number at or above `value`, for the top of an axis.
export function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 2.5, 5, 10]) if (value <= step * power) return step * power;
  return 10 * power;
}

export function LineChart({ points, label, format, tone }: { points: { at: number; value: number }[]; label: string; format: (value: number) => string; tone: 'a' | 'b' }) {
  const [ref, width] = useWidth();
  const gradient = useId();
  const height = 120;
  const top = niceTop(Math.max(...points.map((point) => point.value), 0));
  const first = points[0]?.at ?? 0;
  const span = Math.max(1, (points.at(-1)?.at ?? 0) - first);
  const at = (point: { at: number; value: number }) =>
    [((point.at - first) / span) * width, height - 4 - (point.value / top) * (height - 16)] as const;
  const line = points.map((point) => at(point).map((n) => n.toFixed(1)).join(',')).join(' L');
  const last = points.at(-1);
  return (
    <div className={`chart chart-${tone}`} ref={ref} role="img" aria-label={label}>
      {width > 0 && points.length > 1 && last ? (
        <svg width={width} height={height} aria-hidden focusable="false">
          <defs>
            <linearGradient id={gradient} x1="0" y1="0" x2="0" y2="1">
              <stop offset="0" className="chart-stop-top" />
              <stop offset="1" className="chart-stop-bottom" />
            </linearGradient>
          </defs>
          <line className="chart-grid" x1="0" x2={width} y1="12" y2="12" />
          <line className="chart-grid" x1="0" x2={width} y1={(height + 8) / 2} y2={(height + 8) / 2} />
          <line className="chart-axis" x1="0" x2={width} y1={height - 3.5} y2={height - 3.5} />
          <path d={`M${line} L${width},${height - 4} L0,${height - 4} Z`} fill={`url(#${gradient})`} />
          <path d={`M${line}`} className="chart-line" />
          <circle className="chart-dot" cx={at(last)[0]} cy={at(last)[1]} r="3.5" />
          <text className="chart-text" x="0" y="9">{format(top)}</text>
        </svg>
      ) : null}
    </div>
  );
}

export function BarChart({ bars, label }: { bars: { name: string; value: number; text: string }[]; label: string }) {
  const [ref, width] = useWidth();
  const height = 150;
  const top = niceTop(Math.max(...bars.map((bar) => bar.value), 0));
  const step = width / Math.max(1, bars.length);
  return (
    <div className="chart chart-bars" ref={ref} role="img" aria-label={label}>
      {width > 0 ? (
        <svg width={width} height={height} aria-hidden focusable="false">
          <line className="chart-grid" x1="0" x2={width} y1="14" y2="14" />
          {bars.map((bar, i) => {
            const size = bar.value > 0 ? Math.max(2, (bar.value / top) * (height - 36)) : 0;
            return (
              <g key={bar.name}>
                <title>{`${bar.name}: ${bar.text}`}</title>
                <rect className="chart-hit" x={i * step} y="0" width={step} height={height} />
                <rect className="chart-bar" x={i * step + step * 0.15} y={height - 20 - size} width={step * 0.7} height={size} rx={Math.min(3, step * 0.2)} />
              </g>
            );
          })}
          <line className="chart-axis" x1="0" x2={width} y1={height - 19.5} y2={height - 19.5} />
          <text className="chart-text" x="0" y="11">{new Intl.NumberFormat('en').format(top)}</text>
          <text className="chart-text" x="0" y={height - 5}>{bars[0]?.name}</text>
          <text className="chart-text" x={width} y={height - 5} textAnchor="end">{bars.at(-1)?.name}</text>
        </svg>
      ) : null}
    </div>
  );
}

export function ShareBars({ rows }: { rows: { name: string; share: number; value: string; hint?: string }[] }) {
  return (
    <ul className="shares">
      {rows.map((row, i) => (
        <li key={row.name}>
          <span className="shares-name">{row.name}</span>
          <span className="shares-value">{row.value}{row.hint ? <span className="fine"> {row.hint}</span> : null}</span>
          <span className="shares-track" aria-hidden><span className={`shares-bar tone-${i % 6}`} style={{ width: `${Math.max(0.5, row.share * 100)}%` }} /></span>
        </li>
      ))}
    </ul>
  );
}
