import { describe, expect, it } from 'vitest';
import { readDriveLink } from './drive-link';

const ID = '1AbCdEfGhIjKlMnOpQrStUvWx';

describe('a link to a folder is known', () => {
  it.each([
    `https://drive.google.com/drive/folders/${ID}`,
    `https://drive.google.com/drive/folders/${ID}?usp=sharing`,
    `https://drive.google.com/drive/u/1/folders/${ID}`,
    `https://drive.google.com/drive/mobile/folders/${ID}`,
    `https://drive.google.com/a/example.org/folders/${ID}`,
    `drive.google.com/drive/folders/${ID}`,
    `//drive.google.com/drive/folders/${ID}`,
    `<https://drive.google.com/drive/folders/${ID}>`,
    `https://drive.google.com/open?id=${ID}`,
    `https://drive.google.com/folderview?id=${ID}`,
    `https://drive.google.com/#folders/${ID}`,
    `https://docs.google.com/folder/d/${ID}/edit`,
    ID,
    `  ${ID}  `,
  ])('%s', (link) => {
    expect(readDriveLink(link)).toMatchObject({ kind: 'folder', id: ID });
  });

  it('keeps the resource key', () => {
    expect(readDriveLink(`https://drive.google.com/drive/folders/${ID}?resourcekey=0-abc`)).toEqual({
      kind: 'folder',
      id: ID,
      resourceKey: '0-abc',
    });
  });
});

describe('what is no folder is told apart', () => {
  it.each([
    ['', 'empty'],
    ['https://drive.google.com/file/d/1AbC/view', 'file'],
    ['https://drive.google.com/uc?id=1AbC', 'file'],
    ['https://docs.google.com/document/d/1AbC/edit', 'document'],
    ['https://docs.google.com/spreadsheets/d/1AbC', 'document'],
    ['https://drive.google.com/drive/recent', 'view'],
    ['https://photos.app.goo.gl/xyz', 'photos'],
    ['https://example.org/drive/folders/1AbC', 'elsewhere'],
    ['https://drive.google.com.evil.example/drive/folders/1AbC', 'elsewhere'],
    ['https://drive.google.com/drive/folders/', 'unfinished'],
    ['https://drive.goo', 'unfinished'],
    ['https://', 'unfinished'],
    ['javascript:alert(1)', 'unfinished'],
    ['holiday', 'unfinished'],
    ['two words', 'unfinished'],
  ])('%s is %s', (link, kind) => {
    expect(readDriveLink(link).kind).toBe(kind);
  });
});
