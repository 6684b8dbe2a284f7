// Walks a folder of the Drive emulator with Google's own Node client, downloads every file and compares its hashes with
// what the listing told. Exits 1 on any difference.
//
//   node check.mjs BASE_URL FOLDER_ID EXPECTED_FILES (API_KEY | SERVICE_ACCOUNT.json)
import { createHash } from 'node:crypto';
import { drive, auth } from '@googleapis/drive';

const [baseUrl, rootId, expectedFiles, credential] = process.argv.slice(2);
const kFolder = 'application/vnd.google-apps.folder';
const problems = [];

function client() {
  const options = { version: 'v3', rootUrl: `${baseUrl}/`, retry: false };
  if (!credential.endsWith('.json')) return drive({ ...options, auth: credential });
  const scopes = ['https://www.googleapis.com/auth/drive.readonly'];
  return drive({ ...options, auth: new auth.GoogleAuth({ keyFile: credential, scopes }) });
}

async function listFolder(api, folderId) {
  const files = [];
  let pages = 0;
  let pageToken;
  do {
    const { data } = await api.files.list({
      q: `'${folderId}' in parents and trashed = false`,
      fields: 'nextPageToken,incompleteSearch,files(id,name,mimeType,size,md5Checksum,sha256Checksum)',
      pageSize: 100,
      pageToken,
      supportsAllDrives: true,
      includeItemsFromAllDrives: true,
    });
    files.push(...data.files);
    pageToken = data.nextPageToken;
    pages += 1;
  } while (pageToken);
  return { files, pages };
}

async function download(api, file) {
  const { data } = await api.files.get({ fileId: file.id, alt: 'media' }, { responseType: 'arraybuffer' });
  const bytes = Buffer.from(data);
  const hash = (kind) => createHash(kind).update(bytes).digest('hex');
  if (String(bytes.length) !== file.size) problems.push(`${file.name}: ${bytes.length} bytes, not ${file.size}`);
  if (hash('sha256') !== file.sha256Checksum) problems.push(`${file.name}: another SHA-256`);
  if (hash('md5') !== file.md5Checksum) problems.push(`${file.name}: another MD5`);
}

async function checkErrors(api) {
  try {
    await api.files.get({ fileId: '1NoSuchFile' });
    problems.push('an unknown file was found');
  } catch (error) {
    const reason = error.errors?.[0]?.reason ?? error.response?.data?.error?.errors?.[0]?.reason;
    if (Number(error.status ?? error.code) !== 404 || reason !== 'notFound') {
      problems.push(`an unknown file gave ${error.status ?? error.code} ${reason}`);
    }
  }
}

async function main() {
  const api = client();
  const folders = [rootId];
  const files = [];
  let pages = 0;
  while (folders.length > 0) {
    const listed = await listFolder(api, folders.pop());
    pages += listed.pages;
    for (const file of listed.files) {
      if (file.mimeType === kFolder) folders.push(file.id);
      else files.push(file);
    }
  }
  for (let i = 0; i < files.length; i += 16) {
    await Promise.all(files.slice(i, i + 16).map((file) => download(api, file)));
  }
  await checkErrors(api);
  if (files.length !== Number(expectedFiles)) problems.push(`${files.length} files, not ${expectedFiles}`);
  if (pages < 4) problems.push(`only ${pages} pages`);
  for (const problem of problems.slice(0, 20)) console.error(problem);
  console.log(`${files.length} files on ${pages} pages, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
