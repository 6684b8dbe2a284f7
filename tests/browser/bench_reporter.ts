// Only what the bench says itself, and what went wrong.
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

export default class implements Reporter {
  onStdOut(chunk: string | Buffer): void {
    process.stdout.write(chunk);
  }
  onTestEnd(_: TestCase, result: TestResult): void {
    for (const error of result.errors) process.stderr.write(`${error.message ?? ''}\n`);
  }
}
