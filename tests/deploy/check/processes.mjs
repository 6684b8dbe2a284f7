// Starts what a compose file describes as plain processes, with the environment, commands and order that compose would
// give its containers, imports a folder from the Drive emulator through it, and ends them all.
//   node processes.mjs BUILD_DIR WORK_DIR <WHAT-docker-compose-config-PRINTED
// Another here than in containers: every port is a free one of 127.0.0.1, and the volumes are folders under WORK_DIR.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parse } from "yaml";

const [build, work] = process.argv.slice(2);
const all = parse(readFileSync(0, "utf8"), { maxAliasCount: -1 }).services;
const services = Object.fromEntries(Object.entries(all).filter(([, service]) => !service.profiles));
const folders = { "/data": `${work}/data`, "/run/imgimport": `${work}/token` };
for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });

const running = [];
const addresses = {}; // service → [host:port in the file, host:port here]

// Resolves once a line of its output matches; rejects when it ends before that.
function start(name, command, args, environment, ready) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...environment }, cwd: work, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(signal ?? code)));
  running.push({ name, child, ended });
  return new Promise((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const found = ready.exec(line);
      if (found) resolve(found);
    });
    child.on("error", reject);
    ended.then((code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
  });
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const here = (text) => {
  let moved = text;
  for (const [there, local] of Object.values(addresses)) moved = moved.replaceAll(there, local);
  for (const [there, local] of Object.entries(folders)) moved = moved.replaceAll(there, local);
  return moved;
};

async function startService(name) {
  const service = services[name];
  const environment = { DATA_DIR: folders["/data"], LISTEN_ADDRESS: "127.0.0.1" };
  for (const module of ["GATEWAY", "FRONTEND", "IMPORT", "METADATA", "STORAGE", "WORKER"]) environment[`${module}_PORT`] = "0";
  for (const [variable, value] of Object.entries(service.environment ?? {})) if (value !== null) environment[variable] = here(value);
  if (name === "redis") {
    const port = await freePort();
    await start(name, "redis-server", [...service.command.slice(1), "--port", String(port), "--bind", "127.0.0.1"], {}, /Ready to accept/);
    addresses[name] = [`${name}:6379`, `127.0.0.1:${port}`];
  } else if (service.entrypoint?.[0] === "sh") {
    const command = [...service.entrypoint, ...service.command].map((word) => here(word.replaceAll("$$", "$")));
    const child = spawn(command[0], command.slice(1), { stdio: "inherit" });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
  } else if (!service.entrypoint) {
    const command = service.command ?? ["--role=all"]; // the image's own
    const role = command[0].replace("--role=", "");
    const ready = new RegExp(`${["all", "gateway"].includes(role) ? "api-gateway" : `${role}-service`} listening on http://(\\S+)`);
    const copies = await Promise.all(Array.from({ length: service.scale ?? 1 }, () =>
      start(name, `${build}/imgimport`, command, environment, ready)));
    const port = { import: 5001, metadata: 5002, storage: 5003 }[role];
    if (port) addresses[name] = [`${name}:${port}`, copies[0][1]];
    return copies[0][1];
  }
}

// As `depends_on` says; what is ready here listens, which is what its health check looks at.
async function startAll() {
  const started = {};
  const visit = (name) => {
    started[name] ??= (async () => {
      await Promise.all(Object.keys(services[name].depends_on ?? {}).map(visit));
      return startService(name);
    })();
    return started[name];
  };
  await Promise.all(Object.keys(services).map(visit));
  return started["api-gateway"] ?? started.imgimport;
}

async function call(url, body) {
  const answer = await fetch(url, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function main() {
  const drive = await start("drive", `${build}/drive-emulator`, ["--synthetic", "300x20000"], {}, /url=(\S+) .*key=(\S+) .*link=(\S+)/);
  for (const service of Object.values(services)) {
    if (!service.environment || !("GOOGLE_API_KEY" in service.environment)) continue;
    Object.assign(service.environment, { GOOGLE_API_KEY: drive[2], GOOGLE_DRIVE_API_URL: drive[1] });
  }
  const gateway = `http://${await startAll()}`;
  const { job_id } = await call(`${gateway}/api/import/google-drive`, { folder_url: drive[3] });
  let status;
  for (let i = 0; i < 600 && status?.status !== "completed"; ++i) {
    await pause(100); // between two looks
    status = await call(`${gateway}/api/import/status/${job_id}?imported=0`);
  }
  if (status.status !== "completed" || status.imported_count !== 300) throw new Error(`the import ended as ${JSON.stringify(status)}`);
  const { images } = await call(`${gateway}/api/images?per_page=1`);
  if (!images[0].storage_path.startsWith("http://localhost:8080/")) throw new Error(`nobody finds ${images[0].storage_path}`);
  const health = await call(`${gateway}/health`);
  if (health.status !== "healthy") throw new Error(`the gateway is ${JSON.stringify(health)}`);
  return running.length - 1;
}

let failed = false;
try {
  console.log(`300 images imported by ${await main()} processes`);
} catch (error) {
  failed = true;
  console.error(error.message);
}
for (const { child } of running) child.kill("SIGTERM");
for (const { name, ended } of running) {
  const code = await Promise.race([ended, pause(10_000, "still running after 10 s")]);
  if (code === 0) continue;
  failed = true;
  console.error(`${name} ended with ${code}`);
}
for (const { child } of running) child.kill("SIGKILL");
process.exit(failed ? 1 : 0);
