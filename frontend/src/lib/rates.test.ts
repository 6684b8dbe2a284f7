import { expect, it } from 'vitest';
import { estimateSeconds, rates } from './rates';

it('a steady stream has a steady rate', () => {
  const samples = Array.from({ length: 20 }, (_, i) => ({ at: i * 500, done: i * 10, bytes: i * 1000 }));
  for (const point of rates(samples)) {
    expect(point.images).toBeCloseTo(20);
    expect(point.bytes).toBeCloseTo(2000);
  }
});

it('two samples of one moment are no infinite rate', () => {
  expect(rates([{ at: 0, done: 0, bytes: 0 }, { at: 0, done: 9, bytes: 9 }])).toEqual([]);
});

it('the slower of images and bytes decides the estimate', () => {
  const past = [{ imported: 1000, bytes: 1e8, seconds: 10 }];
  expect(estimateSeconds(2000, 1e8, past)).toBe(20);
  expect(estimateSeconds(10, 1e9, past)).toBe(100);
  expect(estimateSeconds(10, 1e9, [{ imported: 3, bytes: 1, seconds: 1 }])).toBeNull();
});
