// The Idempotency-Keys of requests: one for each content, until that has been answered for good. So a request that is sent
// again after a lost answer means the same job.

// crypto.randomUUID is there on HTTPS and localhost only.
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class AttemptKeys {
  private readonly keys = new Map<string, string>();

  of(content: string): string {
    const key = this.keys.get(content) ?? randomKey();
    this.keys.set(content, key);
    return key;
  }

  // What is asked next with this content is meant anew.
  answered(content: string): void {
    this.keys.delete(content);
  }
}
