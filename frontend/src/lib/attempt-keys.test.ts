import { expect, it } from 'vitest';
import { AttemptKeys } from './attempt-keys';

it('gives a content the same key until it is answered, and every content its own', () => {
  const keys = new AttemptKeys();
  const first = keys.of('a');
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(keys.of('b')).not.toBe(first);
  expect(keys.of('a')).toBe(first);
  keys.answered('a');
  expect(keys.of('a')).not.toBe(first);
});
