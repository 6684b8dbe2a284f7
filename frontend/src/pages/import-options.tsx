// Which images of the folder: what the API calls filters.
import type { Filters } from '../api/client';
import { t } from '../texts/en';

export interface Options {
  recursive: boolean;
  types: string[];
  minSize: string; // MB
  maxSize: string;
  minWidth: string; // px
  minHeight: string;
  takenFrom: string; // YYYY-MM-DD
  takenUntil: string;
  modifiedFrom: string;
  modifiedUntil: string;
  name: string;
}

export const NO_OPTIONS: Options = {
  recursive: true, types: [], minSize: '', maxSize: '', minWidth: '', minHeight: '',
  takenFrom: '', takenUntil: '', modifiedFrom: '', modifiedUntil: '', name: '',
};

const TYPES: [string, string][] = [
  ['image/jpeg', 'JPEG'], ['image/png', 'PNG'], ['image/heif', 'HEIC'], ['image/webp', 'WebP'], ['image/gif', 'GIF'], ['image/tiff', 'TIFF'],
];
// What Drive calls a type is not always the same word.
const ALSO: Record<string, string[]> = { 'image/heif': ['image/heic', 'image/heif'] };

const MB = 1_000_000;
const number = (text: string): number | undefined => (text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text));

export function toFilters(options: Options): Filters {
  const filters: Filters = {};
  const minSize = number(options.minSize);
  const maxSize = number(options.maxSize);
  const minWidth = number(options.minWidth);
  const minHeight = number(options.minHeight);
  if (minSize !== undefined) filters.min_size = Math.round(minSize * MB);
  if (maxSize !== undefined) filters.max_size = Math.round(maxSize * MB);
  if (minWidth !== undefined) filters.min_width = Math.round(minWidth);
  if (minHeight !== undefined) filters.min_height = Math.round(minHeight);
  if (options.types.length > 0) filters.mime_types = options.types.flatMap((type) => ALSO[type] ?? [type]);
  if (options.takenFrom) filters.taken_after = options.takenFrom;
  if (options.takenUntil) filters.taken_before = options.takenUntil;
  if (options.modifiedFrom) filters.modified_after = options.modifiedFrom;
  if (options.modifiedUntil) filters.modified_before = options.modifiedUntil;
  if (options.name.trim()) filters.name_glob = options.name.trim();
  return filters;
}

export const optionsSet = (options: Options): number => Object.keys(toFilters(options)).length + (options.recursive ? 0 : 1);

export function optionsError(options: Options): string | null {
  const min = number(options.minSize);
  const max = number(options.maxSize);
  return min !== undefined && max !== undefined && min > max ? t.import.badSizes : null;
}

export function OptionFields({ options, onChange }: { options: Options; onChange: (options: Options) => void }) {
  const set = (change: Partial<Options>) => onChange({ ...options, ...change });
  const field = (name: keyof Options, label: string, type: 'number' | 'date') => (
    <label className="field">
      <span>{label}</span>
      <input
        className="input"
        type={type}
        {...(type === 'number' ? { min: 0, step: 'any', inputMode: 'decimal' as const } : {})}
        value={options[name] as string}
        onChange={(event) => set({ [name]: event.target.value })}
      />
    </label>
  );
  return (
    <div className="options">
      <label className="check">
        <input type="checkbox" checked={options.recursive} onChange={(event) => set({ recursive: event.target.checked })} />
        <span>{t.import.recursive}</span>
      </label>
      <fieldset>
        <legend>{t.import.types}</legend>
        <div className="chips">
          {TYPES.map(([type, name]) => (
            <label key={type} className="chip">
              <input
                type="checkbox"
                checked={options.types.includes(type)}
                onChange={(event) =>
                  set({ types: event.target.checked ? [...options.types, type] : options.types.filter((one) => one !== type) })
                }
              />
              <span>{name}</span>
            </label>
          ))}
        </div>
        <p className="fine">{t.import.typesHint}</p>
      </fieldset>
      <fieldset>
        <legend>{t.import.size}</legend>
        <div className="pair">{field('minSize', t.import.minSize, 'number')}{field('maxSize', t.import.maxSize, 'number')}</div>
      </fieldset>
      <fieldset>
        <legend>{t.import.dimensions}</legend>
        <div className="pair">{field('minWidth', t.import.minWidth, 'number')}{field('minHeight', t.import.minHeight, 'number')}</div>
      </fieldset>
      <fieldset>
        <legend>{t.import.taken}</legend>
        <div className="pair">{field('takenFrom', t.import.from, 'date')}{field('takenUntil', t.import.until, 'date')}</div>
      </fieldset>
      <fieldset>
        <legend>{t.import.modified}</legend>
        <div className="pair">{field('modifiedFrom', t.import.from, 'date')}{field('modifiedUntil', t.import.until, 'date')}</div>
      </fieldset>
      <label className="field wide">
        <span>{t.import.name}</span>
        <input className="input" value={options.name} onChange={(event) => set({ name: event.target.value })} placeholder="IMG_*.jpg" spellCheck={false} />
        <span className="fine">{t.import.nameHint}</span>
      </label>
    </div>
  );
}
