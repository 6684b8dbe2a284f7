// Checks what `docker-compose config` prints, from standard input: the rules that compose itself does not know.
//   node compose.mjs NAME-OF-THE-FILE ../../../config/default.json <WHAT-IT-PRINTED
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const [name, defaults] = process.argv.slice(2);
const { services } = parse(readFileSync(0, "utf8"), { maxAliasCount: -1 });
const settings = Object.values(JSON.parse(readFileSync(defaults, "utf8"))).flatMap((group) => Object.keys(group)).map((key) => key.toUpperCase());
const problems = [];

const ours = Object.entries(services).filter(([, service]) => service.image === "imgimport");
const programs = ours.filter(([, service]) => !service.entrypoint);
const has = (service, variable) => variable in (service.environment ?? {});

// What a container cannot be told by .env: where things are in it.
const fixed = /^(DATA_DIR|LISTEN_ADDRESS|PORT|.*_PORT|TLS_.*|REDIS_URL|.*_SERVICE_URL|INTERNAL_TOKEN)$/;
for (const setting of settings.filter((setting) => !fixed.test(setting))) {
  if (!programs.some(([, service]) => has(service, setting))) problems.push(`${setting} reaches no service`);
}
for (const [service, { ports = [], ...rest }] of Object.entries(services)) {
  for (const port of ports) if (!String(port).startsWith("127.0.0.1:")) problems.push(`${service}: port ${port} is open to other machines`);
  if (!rest.restart) problems.push(`${service} has no restart policy`);
  for (const variable of Object.keys(rest.environment ?? {})) {
    const known = settings.includes(variable) || settings.includes(variable.replace(/_FILE$/, ""));
    if (rest.image === "imgimport" && !known) problems.push(`${service}: ${variable} is no setting`);
  }
}
// Links to images lead to where the API is published, unless PUBLIC_URL says otherwise.
const published = Object.values(services).flatMap(({ ports = [] }) => ports).map((port) => /:(\d+):5000\b/.exec(port)?.[1]).find(Boolean);
for (const [service, { environment }] of programs.filter(([, service]) => has(service, "PUBLIC_URL"))) {
  if (String(environment.PUBLIC_PORT) !== published) problems.push(`${service}: PUBLIC_PORT is ${environment.PUBLIC_PORT}, the API is on ${published}`);
}
for (const [service, { environment }] of programs) {
  if (environment.ALLOW_ANONYMOUS !== "true") problems.push(`${service} asks for a token that nobody was told of`);
}
for (const [service, settingsOf] of ours) {
  if (!settingsOf.read_only) problems.push(`${service}: its root file system can be written`);
  if (!settingsOf.cap_drop?.includes("ALL")) problems.push(`${service} keeps capabilities`);
  if (!settingsOf.mem_limit || !settingsOf.pids_limit) problems.push(`${service} has no limits`);
}
if (name.includes("microservices")) {
  const wanted = ["api-gateway", "import-service", "metadata-service", "storage-service", "worker-service", "redis", "frontend"];
  for (const service of wanted) if (!services[service]) problems.push(`there is no ${service}`);
  for (const [service, { environment, volumes = [] }] of programs) {
    const token = environment.INTERNAL_TOKEN_FILE === "/run/imgimport/internal-token" && volumes.includes("token:/run/imgimport:ro");
    if (!token) problems.push(`${service} does not get the services' token`);
  }
  const store = /^(AWS_|AZURE_|STORAGE_PROVIDER)/;
  for (const [service, { environment }] of programs) {
    const holds = Object.keys(environment).filter((variable) => store.test(variable));
    if (service !== "storage-service" && holds.length > 0) problems.push(`${service} gets ${holds}, which only storage-service needs`);
    if (service !== "metadata-service" && "DB_PASSWORD" in environment) problems.push(`${service} gets the database's password`);
  }
  if (services["worker-service"]?.ports) problems.push("worker-service publishes a port, so that it cannot be scaled");
}

for (const problem of problems) console.error(`${name}: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
