// The programs under test: the server and the Drive emulator, on free ports, in folders that go with them.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const build = process.env.IMGIMPORT_BUILD ?? join(process.cwd(), '../../build');
export const photos = process.env.IMGIMPORT_PHOTOS ?? join(build, 'photos');

class Program {
  private constructor(
    private readonly child: ChildProcess,
    private readonly ended: Promise<void>,
  ) {}

  // Waits for a line of its output that `ready` takes something from.
  static async start<T>(file: string, args: string[], env: Record<string, string>, cwd: string, ready: (line: string) => T | null): Promise<[Program, T]> {
    const child = spawn(file, args, { env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    let errors = '';
    child.stderr?.on('data', (text: Buffer) => (errors = (errors + text.toString()).slice(-4000)));
    const found = await new Promise<T>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code}: ${errors}`)));
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const value = ready(line);
        if (value !== null) resolve(value);
      });
    });
    return [new Program(child, ended), found];
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.ended;
  }
}

export interface Fault {
  match?: string;
  name?: string;
  action?: string;
  latency_ms?: number;
  bytes_per_second?: number;
  first?: number;
}

// Google Drive, as far as imports need it.
export class Drive {
  private constructor(
    private readonly program: Program,
    readonly url: string,
    readonly key: string,
    readonly link: string,
  ) {}

  static async start(...args: string[]): Promise<Drive> {
    const [program, found] = await Program.start(join(build, 'drive-emulator'), ['--port', '0', ...args], {}, process.cwd(), (line) => {
      const match = /url=(\S+) .*key=(\S+) .*link=(\S+)/.exec(line);
      return match ? { url: match[1] as string, key: match[2] as string, link: match[3] as string } : null;
    });
    return new Drive(program, found.url, found.key, found.link);
  }

  async faults(...rules: Fault[]): Promise<void> {
    await fetch(`${this.url}/_emulator/faults`, { method: 'DELETE' });
    if (rules.length > 0) await expectOk(await fetch(`${this.url}/_emulator/faults`, { method: 'POST', body: JSON.stringify(rules) }));
  }

  stop = (): Promise<void> => this.program.stop();
}

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}

// imgimport --role=all. `url` is the web app's port; `api` the gateway's.
export class Server {
  url = '';
  api = '';
  private program: Program | null = null;
  private readonly dir = mkdtempSync(join(tmpdir(), 'imgimport-browser.'));

  constructor(private readonly settings: Record<string, string>) {}

  get dataDir(): string {
    return this.dir;
  }

  static async start(drive: Drive | null, settings: Record<string, string> = {}): Promise<Server> {
    const source = drive ? { GOOGLE_API_KEY: drive.key, GOOGLE_DRIVE_API_URL: drive.url } : {};
    const server = new Server({ ...(source as Record<string, string>), ...settings });
    await server.up();
    return server;
  }

  // Again on the same ports, as an orchestrator would.
  async up(more: Record<string, string> = {}): Promise<void> {
    const port = (url: string) => (url ? new URL(url).port : '0');
    const [program] = await Program.start(
      join(build, 'imgimport'),
      ['--role=all'],
      {
        DATA_DIR: this.dir, GATEWAY_PORT: port(this.api), FRONTEND_PORT: port(this.url), IMPORT_PORT: '0', METADATA_PORT: '0',
        STORAGE_PORT: '0', WORKER_PORT: '0', LOG_LEVEL: 'warning', ...this.settings, ...more,
      },
      this.dir,
      (line) => {
        const match = /^(api-gateway|web-app) listening on (\S+)/.exec(line);
        if (match?.[1] === 'api-gateway') this.api = match[2] as string;
        if (match?.[1] !== 'web-app') return null;
        this.url = match[2] as string;
        return true;
      },
    );
    this.program = program;
  }

  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.program?.stop(signal);
  }

  async end(): Promise<void> {
    await this.down();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async json<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(this.api + path, init);
    await expectOk(response.clone());
    return (await response.json()) as T;
  }

  // An import by the API, waited for to its end.
  async imported(link: string): Promise<string> {
    const { job_id } = await this.json<{ job_id: string }>('/api/import/google-drive', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ folder_url: link }),
    });
    for (;;) {
      const { status } = await this.json<{ status: string }>(`/api/import/status/${job_id}?imported=0`);
      if (status !== 'listing' && status !== 'processing') return job_id;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
