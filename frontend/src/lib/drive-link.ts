// Whether a text is a link to a Drive folder, told as it is typed. The server decides; this says the same sooner.

export type DriveLink =
  | { kind: 'empty' }
  | { kind: 'folder'; id: string; resourceKey: string | null }
  | { kind: 'file' } // a single file
  | { kind: 'document' } // a Google Docs editor file
  | { kind: 'view' } // "Recent", "Shared with me", a search
  | { kind: 'photos' } // Google Photos
  | { kind: 'elsewhere' } // some other site
  | { kind: 'unfinished' }; // not yet an id or a link

const ID = /^[A-Za-z0-9_-]{1,128}$/;
// Shorter ones exist, but while somebody types they are rather the beginning of one.
const TYPED_ID = /^[A-Za-z0-9_-]{19,128}$/;
const BY_ID = new Set(['folderview', 'embeddedfolderview', 'open', 'leaf', 'folders']);
const FILES = new Set(['file', 'uc', 'thumbnail', 'viewer', 'download', 'viewerng']);
const DOCUMENTS = new Set([
  'document', 'spreadsheets', 'presentation', 'forms', 'drawings', 'spreadsheet', 'jamboard', 'script', 'videos',
]);

export function readDriveLink(text: string): DriveLink {
  let link = text.trim();
  if (link.startsWith('<') && link.endsWith('>')) link = link.slice(1, -1);
  if (link === '') return { kind: 'empty' };
  if (/\s/.test(link)) return { kind: 'unfinished' };
  if (!/[/:.#]/.test(link.split('?')[0] ?? '')) return bareId(link);
  const url = asUrl(link);
  if (!url) return { kind: 'unfinished' };
  if (url.hostname === 'photos.google.com' || url.hostname === 'photos.app.goo.gl') return { kind: 'photos' };
  if (url.hostname === 'drive.usercontent.google.com') return { kind: 'file' };
  if (url.hostname === 'drive.google.com') return drivePath(url);
  if (url.hostname === 'docs.google.com') {
    const found = drivePath(url);
    return found.kind === 'view' ? { kind: 'document' } : found;
  }
  // "drive.goo" is on its way to become drive.google.com.
  return 'drive.google.com'.startsWith(url.hostname) ? { kind: 'unfinished' } : { kind: 'elsewhere' };
}

function bareId(link: string): DriveLink {
  const [id = '', query = ''] = link.split('?');
  if (!TYPED_ID.test(id)) return { kind: 'unfinished' };
  return { kind: 'folder', id, resourceKey: new URLSearchParams(query).get('resourcekey') };
}

function asUrl(link: string): URL | null {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(link) ? link : `https://${link.replace(/^\/\//, '')}`;
  try {
    const url = new URL(withScheme);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
  } catch {
    return null;
  }
}

// Drops what says nothing of the folder: a/DOMAIN, corp, drive, mobile, u/N.
function essentialPath(url: URL): string[] {
  const path = url.pathname.split('/').filter(Boolean);
  for (;;) {
    const [first = '', second = ''] = path;
    if (first === 'corp' || first === 'drive' || first === 'mobile') path.shift();
    else if (first === 'u' && /^\d+$/.test(second)) path.splice(0, 2);
    else if (first === 'a' && second.includes('.')) path.splice(0, 2);
    else return path;
  }
}

function drivePath(url: URL): DriveLink {
  let path = essentialPath(url);
  if (path.length === 0 && url.hash.startsWith('#folders/')) path = url.hash.slice(1).split('/').filter(Boolean);
  const [kind = '', second, third] = path;
  if (kind === 'folders' && second) return folder(url, second);
  if (kind === 'folder' && second === 'd' && third) return folder(url, third);
  if (BY_ID.has(kind)) return folder(url, url.searchParams.get('id') ?? '');
  if (kind === 'my-drive') return folder(url, 'root');
  if (FILES.has(kind)) return { kind: 'file' };
  if (DOCUMENTS.has(kind)) return { kind: 'document' };
  return kind === '' ? { kind: 'unfinished' } : { kind: 'view' };
}

function folder(url: URL, id: string): DriveLink {
  if (!ID.test(id)) return { kind: 'unfinished' };
  return { kind: 'folder', id, resourceKey: url.searchParams.get('resourcekey') };
}
