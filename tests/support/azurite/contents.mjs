// SHA-256 and name of every blob of a container, one a line, by Microsoft's own client.
//   node contents.mjs CONNECTION_STRING CONTAINER
import { createHash } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';

const [connection, name] = process.argv.slice(2);
const container = BlobServiceClient.fromConnectionString(connection).getContainerClient(name);
for await (const { name: key } of container.listBlobsFlat()) {
  const content = await container.getBlobClient(key).downloadToBuffer();
  console.log(`${createHash('sha256').update(content).digest('hex')}  ${key}`);
}
