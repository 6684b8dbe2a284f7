import { expect, it } from 'vitest';
import { bytes, duration, percentText } from './format';

it('sizes keep at most three figures or one decimal', () => {
  expect([0, 999, 1000, 1_500, 120_226_181, 999_600_000, 5e12].map(bytes)).toEqual([
    '0 B', '999 B', '1 KB', '1.5 KB', '120 MB', '1 GB', '5 TB',
  ]);
});

it('durations are as long as they need to be', () => {
  expect([0.24, 12.4, 90, 3600, 5400, 200_000].map(duration)).toEqual([
    '0.2 s', '12 s', '2 min', '1 h', '1 h 30 min', '2 days',
  ]);
});

it('nothing is at 100 % before its end', () => {
  expect(percentText(9_999, 10_000)).toBe('99%');
  expect(percentText(10_000, 10_000)).toBe('100%');
  expect(percentText(0, 0)).toBe('0%');
});
