// Numbers, sizes, times as people read them.

const LOCALE = 'en';
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' });

export const count = (value: number): string => whole.format(value);

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

// Powers of 1,000, as Drive and disks count.
export function bytes(value: number): string {
  let unit = 0;
  let size = value;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? whole.format(size) : oneDigit.format(size)} ${UNITS[unit]}`;
}

export const perSecond = (value: number): string => (value >= 100 ? whole.format(value) : oneDigit.format(value));

export function percent(part: number, all: number): number {
  return all > 0 ? Math.min(100, (part / all) * 100) : 0;
}

// Never "100 %" while something is left.
export function percentText(part: number, all: number): string {
  const value = percent(part, all);
  return `${part < all ? Math.min(99, Math.floor(value)) : Math.round(value)}%`;
}

export function duration(seconds: number): string {
  if (seconds < 9.5) return `${oneDigit.format(Math.max(0.1, seconds))} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

export const when = (time: string): string => dateTime.format(new Date(time));
export const onDay = (time: string): string => day.format(new Date(time));

// EXIF's local time, which has no offset: the figures are shown as they are.
export function localTime(time: string): string {
  const read = new Date(/T/.test(time) ? time : time.replace(' ', 'T'));
  return Number.isNaN(read.getTime()) ? time : dateTime.format(read);
}

export function ago(time: string, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return relative.format(0, 'second');
  if (size < 45 * 60) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 22 * 3600) return relative.format(Math.round(seconds / 3600), 'hour');
  return relative.format(Math.round(seconds / 86400), 'day');
}

export const typeName = (mime: string | null): string => {
  if (!mime) return 'Unknown';
  const name = mime.replace(/^image\//, '').replace(/^x-|^vnd\./, '');
  const known: Record<string, string> = { jpeg: 'JPEG', webp: 'WebP', 'svg+xml': 'SVG', tiff: 'TIFF', 'microsoft.icon': 'ICO' };
  return known[name] ?? name.toUpperCase();
};

export function coordinates(latitude: number, longitude: number): string {
  const one = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
  return `${one(latitude, 'N', 'S')}, ${one(longitude, 'E', 'W')}`;
}
