// Writes sigv4.json: requests, and how two other implementations of AWS
// Signature Version 4 sign them. No test runs it; to write the file anew:
//
//	npm install aws4@1.13.2 @smithy/signature-v4@5.7.5 @aws-crypto/sha256-js@5
//	node sigv4.mjs > sigv4.json
import aws4 from "aws4";
import { SignatureV4 } from "@smithy/signature-v4";
import crypto from "@aws-crypto/sha256-js";

const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const date = "20150830T123600Z";
const amz = (name) => `https://${name}.us-east-1.amazonaws.com`;
const requests = [
  { name: "get", url: amz("execute-api") + "/" },
  { name: "query in order", url: amz("execute-api") + "/?b=2&a=1&a=0&A=3" },
  { name: "query without values", url: amz("execute-api") + "/?x&y=&%20=%2F" },
  { name: "query of odd characters", url: amz("execute-api") + "/?q=a%20b%2Bc%3D%26%C3%A9~-._%21%27%28%29%2A" },
  { name: "sorted as encoded", url: amz("execute-api") + "/?p=a%2Fb&p=a-b&p%2F=1&p-=2" },
  { name: "path encoded", url: amz("execute-api") + "/a%20b/c%2Fd/%C3%A9/~x;y" },
  { name: "empty segments", url: amz("execute-api") + "//a///b//" },
  { name: "post", method: "POST", url: amz("dynamodb") + "/", service: "dynamodb", body: '{"TableName":"t"}',
    headers: { "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.Scan" } },
  { name: "spaces in a header", url: amz("execute-api") + "/", headers: { "X-Amz-Meta-Note": "  a   b  " } },
  { name: "session", url: amz("sqs") + "/?Action=ListQueues", service: "sqs", session: "IQoJb3JpZ2luX2VjEXAMPLE/token+with==" },
  { name: "s3 get", url: "https://bucket.s3.eu-central-1.amazonaws.com/a%20b/c.txt?versionId=x", service: "s3", region: "eu-central-1" },
  { name: "s3 double slash", url: "https://s3.eu-central-1.amazonaws.com/bucket//a//b", service: "s3", region: "eu-central-1" },
  { name: "s3 subresource", url: "https://bucket.s3.eu-central-1.amazonaws.com/?acl", service: "s3", region: "eu-central-1" },
  { name: "s3 put", method: "PUT", url: "https://bucket.s3.eu-central-1.amazonaws.com/k%C3%A9y", service: "s3", region: "eu-central-1", body: "hello",
    headers: { "Content-Type": "text/plain", "X-Amz-Meta-A": "b", "X-Amz-Storage-Class": "STANDARD_IA" } },
  { name: "s3 unsigned", method: "PUT", url: "https://bucket.s3.eu-central-1.amazonaws.com/k", service: "s3", region: "eu-central-1", body: "streamed", session: "tok",
    headers: { "Content-Type": "text/plain", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" } },
  { name: "another port", url: "http://127.0.0.1:9000/bucket/key", service: "s3", region: "us-east-1" },
];

const signature = (headers) => /Signature=([0-9a-f]{64})/.exec(headers.Authorization ?? headers.authorization)[1];
const out = [];
for (const r of requests) {
  const { method = "GET", service = "execute-api", region = "us-east-1", body = "", headers = {}, session } = r;
  const credentials = { ...key, ...(session && { sessionToken: session }) };
  const u = new URL(r.url);
  const raw = r.url.slice(u.origin.length);
  const one = aws4.sign({ method, service, region, host: u.host, path: raw, body, headers: { ...headers, "X-Amz-Date": date },
    extraHeadersToIgnore: { "content-length": true, ...(!body && { "content-type": true }) } }, credentials);
  const query = {};
  for (const [name, value] of u.searchParams) (query[name] ??= []).push(value);
  const signer = new SignatureV4({ credentials, region, service, sha256: crypto.Sha256, uriEscapePath: service !== "s3", applyChecksum: service === "s3" });
  const two = await signer.sign({ method, protocol: u.protocol, hostname: u.hostname, port: u.port && Number(u.port), path: raw.split("?")[0], query, body: body || undefined,
    headers: { ...headers, host: u.host } }, { signingDate: new Date("2015-08-30T12:36:00Z") });
  out.push({ name: r.name, method, url: r.url, service, region, session, headers, body, aws4: signature(one.headers), smithy: signature(two.headers) });
}
console.log(JSON.stringify(out, null, "\t"));
