// Checks Kubernetes objects, as YAML from standard input or from files, against the API's own schemas, and that they fit
// together: each Service finds pods, each secret and ConfigMap is known, every container is locked down.
//   node kubernetes.mjs [--each-alone] FILE…        "-" = standard input
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

const here = dirname(fileURLToPath(import.meta.url));

// Where the schema of a kind is, as a module: a validator of values, and a type for what the validator lets through, that
// is, fields that do not exist.
function moduleOf({ apiVersion, kind }) {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const name = group === "keda.sh" ? "@kubernetes-models/keda" : "kubernetes-models";
  return `${here}/node_modules/${name}/${group ? `${group}/` : ""}${version}/${kind}.js`;
}

const problems = [];
const objects = [];
const files = process.argv.slice(2);
const eachAlone = files[0] === "--each-alone"; // parts, before kustomize has put them together
if (eachAlone) files.shift();
for (const file of files) {
  for (const document of parseAllDocuments(readFileSync(file === "-" ? 0 : file, "utf8"), { merge: true, uniqueKeys: true })) {
    for (const error of document.errors) problems.push(`${file}: ${error.message}`);
    const object = document.toJS();
    if (object) objects.push(object);
  }
}

const nameOf = (object) => `${object.kind} ${object.metadata?.name}`;
for (const object of objects) {
  try {
    const Model = (await import(pathToFileURL(moduleOf(object))))[object.kind];
    new Model(object).validate();
  } catch (error) {
    problems.push(`${nameOf(object)}: ${error.message}`);
  }
}
problems.push(...unknownFields(objects));

// Every object as a literal of its type: TypeScript names what is too much.
function unknownFields(objects) {
  const file = `${here}/objects.ts`;
  const text = objects.map((object, i) => [
    `import type { I${object.kind} as T${i} } from ${JSON.stringify(moduleOf(object))};`,
    `export const o${i}: T${i} = ${JSON.stringify(object)};`,
  ].join("\n")).join("\n");
  const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022 };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest));
  host.fileExists = (name) => name === file || fileExists(name);
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  const ofLine = (diagnostic) => objects[Math.floor(ts.getLineAndCharacterOfPosition(diagnostic.file, diagnostic.start).line / 2)];
  return diagnostics.map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "; ");
    return diagnostic.file?.fileName === file ? `${nameOf(ofLine(diagnostic))}: ${message}` : message;
  });
}

if (!eachAlone) fitTogether();

function fitTogether() {
  const matches = (selector, labels) => Object.entries(selector).every(([key, value]) => labels?.[key] === value);
  const deployments = objects.filter((object) => object.kind === "Deployment");
  const podLabels = deployments.map((object) => object.spec.template.metadata.labels);
  const names = (kind) => new Set(objects.filter((object) => object.kind === kind).map((object) => object.metadata.name));
  const maps = names("ConfigMap");

  for (const object of objects) {
    const selector = { Service: object.spec?.selector, PodDisruptionBudget: object.spec?.selector?.matchLabels }[object.kind];
    if (selector && !podLabels.some((labels) => matches(selector, labels))) problems.push(`${nameOf(object)} selects no pod`);
    const target = object.spec?.scaleTargetRef?.name;
    if (target && !names("Deployment").has(target)) problems.push(`${nameOf(object)} scales ${target}, which is not there`);
  }
  for (const deployment of deployments) {
    const name = nameOf(deployment);
    const { spec, metadata } = deployment.spec.template;
    const scaled = objects.some((object) => object.spec?.scaleTargetRef?.name === deployment.metadata.name);
    if (scaled && deployment.spec.replicas !== undefined) problems.push(`${name}: both replicas and an autoscaler`);
    if (!matches(deployment.spec.selector.matchLabels, metadata.labels)) problems.push(`${name}: its selector misses its own pods`);
    if (!spec.securityContext?.runAsNonRoot) problems.push(`${name} may run as root`);
    const volumes = new Set(spec.volumes?.map((volume) => volume.name));
    for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
      const where = `${name}, container ${container.name}`;
      const rights = container.securityContext;
      if (!rights?.readOnlyRootFilesystem) problems.push(`${where}: its root file system can be written`);
      if (rights?.allowPrivilegeEscalation !== false) problems.push(`${where} may gain rights`);
      if (!rights?.capabilities?.drop?.includes("ALL")) problems.push(`${where} keeps capabilities`);
      if (!container.resources?.requests || !container.resources?.limits?.memory) problems.push(`${where}: no resources`);
      for (const mount of container.volumeMounts ?? []) {
        if (!volumes.has(mount.name)) problems.push(`${where}: there is no volume ${mount.name}`);
      }
      for (const source of container.envFrom ?? []) {
        const map = source.configMapRef?.name;
        if (map && maps.size > 0 && !maps.has(map)) problems.push(`${where}: there is no ConfigMap ${map}`);
      }
    }
    for (const container of spec.containers) {
      const ports = new Set(container.ports?.map((port) => port.name));
      for (const probe of ["livenessProbe", "readinessProbe"]) {
        const way = container[probe];
        if (!way) problems.push(`${name}, container ${container.name}: no ${probe}`);
        const port = way?.httpGet?.port ?? way?.tcpSocket?.port;
        if (typeof port === "string" && !ports.has(port)) problems.push(`${name}: ${probe} asks port ${port}, which is not there`);
      }
    }
  }
}

if (objects.length === 0) problems.push("there is not one object");

for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${objects.length} objects are right`);
process.exit(problems.length === 0 ? 0 : 1);
