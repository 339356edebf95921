// The keys of the function's role, wherever Lambda puts them.

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { setTimeout as pause } from "node:timers/promises";

import { BundleError } from "./trouble.mjs";

const SOON_MS = 60_000;
const TIMEOUT_MS = 2000;
const TRIES = 4;
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
const HOSTS = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"];

/** Reads the keys when they are first wanted, and again when they no longer open. */
export class Keyring {
  #environ;
  #keys = null;

  constructor(environ) {
    this.#environ = environ;
  }

  /** Keys that should be good: `access`, `secret`, `token`, `expires` (0: not told). */
  async keys() {
    const known = await this.#keys?.catch(() => null);
    if (!known || (known.expires && known.expires - Date.now() < SOON_MS)) this.#keys = this.#read();
    return await this.#keys;
  }

  /** Keys that S3 no longer takes: the next are read anew. */
  async forget(refused) {
    if ((await this.#keys?.catch(() => null)) === refused) this.#keys = null;
  }

  async #read() {
    const environ = this.#environ;
    if (environ.AWS_ACCESS_KEY_ID) {
      return {
        access: environ.AWS_ACCESS_KEY_ID,
        secret: environ.AWS_SECRET_ACCESS_KEY ?? "",
        token: environ.AWS_SESSION_TOKEN ?? "",
        expires: 0,
      };
    }
    // So with SnapStart, where keys must not be part of the snapshot.
    const relative = environ.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
    const full = environ.AWS_CONTAINER_CREDENTIALS_FULL_URI;
    const url = relative ? `http://169.254.170.2${relative}` : full;
    if (!url) {
      throw new BundleError(
        "there are no credentials to read the bundle with",
        "neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
        "give the function an execution role",
      );
    }
    let why = "";
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt) await pause(50 * 2 ** attempt);
      try {
        return await this.#ask(new URL(url));
      } catch (error) {
        if (error instanceof BundleError) throw error;
        why = `${error.name}: ${error.message}`;
      }
    }
    throw new BundleError("the credentials' endpoint does not answer", `${url}: ${why}`);
  }

  #ask(url) {
    const isHere = HOSTS.includes(url.hostname) || /^127(\.\d+){3}$/.test(url.hostname);
    if (url.protocol !== "https:" && !isHere) {
      throw new BundleError("the credentials' endpoint is not on this machine", String(url));
    }
    const { get } = url.protocol === "https:" ? https : http;
    const options = { headers: this.#authorization(), timeout: TIMEOUT_MS };
    return new Promise((resolve, reject) => {
      const request = get(url, options, (reply) => {
        const parts = [];
        reply.on("data", (part) => parts.push(part)).on("error", reject);
        reply.on("end", () => {
          try {
            if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
            resolve(keysOf(JSON.parse(Buffer.concat(parts).toString())));
          } catch (error) {
            reject(error);
          }
        });
      });
      request.on("timeout", () => request.destroy(new Error("it is silent"))).on("error", reject);
    });
  }

  #authorization() {
    const path = this.#environ.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    const token = path
      ? readFileSync(path, "ascii").trim()
      : this.#environ.AWS_CONTAINER_AUTHORIZATION_TOKEN;
    return token ? { Authorization: token } : {};
  }
}

function keysOf(read) {
  if (!read.AccessKeyId || !read.SecretAccessKey) throw new Error("the answer has no keys");
  return {
    access: read.AccessKeyId,
    secret: read.SecretAccessKey,
    token: read.Token ?? "",
    expires: Date.parse(read.Expiration) || 0,
  };
}
