import { expect, it } from 'vitest';
import { csvLine } from './csv';

it('quotes what would break a line or a column', () => {
  expect(csvLine(['a', 'b,c', 'say "x"', 'two\nlines', 5, null, undefined])).toBe(
    'a,"b,c","say ""x""","two\nlines",5,,\r\n',
  );
});

it('lets no name become a formula', () => {
  expect(csvLine(['=1+1', '+a', '-b', '@c', '=HYPERLINK("x","y")'])).toBe(
    `'=1+1,'+a,'-b,'@c,"'=HYPERLINK(""x"",""y"")"\r\n`,
  );
});
