// Speaks Lambda's Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import http from "node:http";

import { documentOf, RuntimeError } from "./errors.mjs";
import { MAJOR } from "./handler.mjs";

const BASE = "/2018-06-01/runtime";
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
// A connection that nobody waits for does not keep the event loop from being empty.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** The next invocation: `{ event, headers }`, the event as text. */
export async function next() {
  const { body, headers } = await ask("GET", `${BASE}/invocation/next`);
  return { event: body, headers };
}

/** Answers an invocation. Throws, before anything is sent, what cannot be told in JSON. */
export function respond(id, value) {
  return send(id, serialized(value), "success");
}

/** Answers an invocation with what a stream was given. */
export function respondRaw(id, body, contentType) {
  return send(id, body, "success", { "Content-Type": contentType });
}

/** Tells that an invocation failed. */
export function fail(id, error) {
  return send(id, serialized(documentOf(error)), "failure", {}, "error");
}

/** Tells that the function could not be initialised. */
export async function failInit(error) {
  const document = documentOf(error);
  const headers = { "Lambda-Runtime-Function-Error-Type": document.errorType };
  await ask("POST", `${BASE}/init/error`, serialized(document), headers);
}

async function send(id, body, kind, headers = {}, what = "response") {
  const { status } = await ask("POST", `${BASE}/invocation/${id}/${what}`, body, headers);
  if (status !== 202) {
    const words = `Failed to post handler ${kind} response. Http response code: ${status}.`;
    process.stderr.write(`[ERROR] [${Date.now()}] LAMBDA_RUNTIME ${words}\n`);
  }
}

function serialized(value) {
  try {
    return JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch {
    const words = "Unable to stringify response body";
    const own = MAJOR >= 24;
    throw own ? new RuntimeError("JSONStringifyError", words) : new Error(words);
  }
}

function ask(method, path, body = "", headers = {}) {
  const data = Buffer.from(body);
  if (method === "POST") {
    headers = { "Content-Type": "application/json", "Content-Length": data.length, ...headers };
  }
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, agent, method, path, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part)).on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(parts).toString();
        resolve({ body: text, headers: response.headers, status: response.statusCode });
      });
    });
    request.on("error", reject).end(data);
  });
}
