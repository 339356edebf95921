// One ranged GET of the bundle, and what each answer of S3 means.

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

import { signed } from "./signature.mjs";
import { BundleError } from "./trouble.mjs";

const CONNECT_MS = 3100;
/** Milliseconds without a byte after which a connection is given up. */
const STALL_MS = 5000;
const BODY = 8192;
const UPLOAD = "deploy the function again: it uploads the bundle";

const STALE_KEYS = [
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidToken",
  "InvalidAccessKeyId",
  "TokenRefreshRequired",
];
const SKEW = ["RequestTimeTooSkewed", "RequestExpired"];
const ELSEWHERE = [
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
];
// What certificates that are not to be believed are called.
const DISTRUST = /CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;

/**
 * A GET that failed as GETs do. `limit`: how many attempts at one range are worth while for this
 * reason; `atOnce`: waiting would not help; `denied`: for want of a permission; `hint`: what to
 * do where no attempt does.
 */
export class Again extends Error {
  constructor(why, limit = 10, { atOnce = false, denied = false, hint = "" } = {}) {
    super(why);
    Object.assign(this, { limit, atOnce, denied, hint });
  }
}

/** One attempt at a range, as those who watch it see it. */
export class Run {
  began = performance.now();
  /** When the answer began. */
  first = 0;
  last = this.began;
  cut = false;
  request = null;

  /** Let it be over: another attempt has what it is after. */
  end() {
    this.cut = true;
    this.request?.destroy();
  }
}

/** The object that the bundle is. */
export class Source {
  #place;
  #keyring;
  #size;
  #agent;
  #skew = 0;
  #etag = "";

  constructor(place, keyring, size) {
    this.#place = place;
    this.#keyring = keyring;
    this.#size = size;
    const options = { keepAlive: true };
    if (place.authorities) options.ca = readFileSync(place.authorities);
    this.#agent = place.secure ? new https.Agent(options) : new http.Agent(options);
  }

  /** The bytes of a range. Throws `Again` where another attempt may do, else `BundleError`. */
  async read(run, start, end) {
    const place = this.#place;
    const keys = await this.#keyring.keys();
    const etag = this.#etag;
    const headers = { Range: `bytes=${start}-${end - 1}` };
    if (etag) headers["If-Match"] = etag;
    if (place.owner) headers["x-amz-expected-bucket-owner"] = place.owner;
    try {
      const reply = await this.#ask(run, signed(place, headers, keys, Date.now() + this.#skew));
      run.first = run.last = performance.now();
      if (![200, 206].includes(reply.statusCode)) await this.#judge(reply, keys, etag);
      this.#check(reply, start, end);
      return await received(run, reply, end - start);
    } catch (error) {
      if (error instanceof Again || error instanceof BundleError) {
        run.request?.destroy();
        throw error;
      }
      if (DISTRUST.test(error.code ?? "")) {
        throw new BundleError(
          `${place.host} cannot be trusted with the request for the bundle`,
          error.message,
          "set AWS_CA_BUNDLE where the endpoint has a certificate of your own",
        );
      }
      throw new Again([error.code ?? error.name, error.message].join(": "));
    }
  }

  /** What to say when no more attempts are made. */
  givenUp(again, attempts) {
    const place = this.#place;
    if (again.denied) {
      return new BundleError(
        `the bundle ${place} may not be read`,
        again.message,
        `the function's role needs s3:GetObject on ${place.arn}, and kms:Decrypt where the ` +
          "bucket's key is the user's own; S3 answers the same where the object is missing: " +
          "then deploy again",
      );
    }
    return new BundleError(
      `the bundle ${place} could not be read`,
      `${attempts} attempts failed, the last with ${again.message}`,
      again.hint,
    );
  }

  /** Lets go of the connections. */
  close() {
    this.#agent.destroy();
  }

  #ask(run, headers) {
    const place = this.#place;
    const options = {
      agent: this.#agent,
      host: place.host,
      port: place.port,
      path: place.path + (place.query ? `?${place.query}` : ""),
      headers,
      timeout: CONNECT_MS,
    };
    return new Promise((resolve, reject) => {
      const { request: open } = place.secure ? https : http;
      const request = open(options, resolve);
      run.request = request;
      request.on("timeout", () => request.destroy(new Error("it is silent")));
      // A connection that lay idle for too long says nothing about a new one.
      request.on("error", (error) => {
        if (request.reusedSocket && error.code === "ECONNRESET" && !run.first && !run.cut) {
          this.#ask(run, headers).then(resolve, reject);
        } else reject(error);
      });
      request.on("socket", (socket) => {
        const ready = () => request.setTimeout(STALL_MS);
        if (socket.connecting) socket.once(place.secure ? "secureConnect" : "connect", ready);
        else ready();
      });
      request.end();
    });
  }

  /** That the answer is the range of the object that was asked for. */
  #check(reply, start, end) {
    const told = reply.headers["content-range"] ?? "";
    const length = Number(reply.headers["content-length"] ?? NaN);
    if (reply.statusCode === 200) {
      if (start || length !== end) {
        throw new Again("the answer is not the range that was asked for", 3);
      }
    } else {
      const [span, total] = told.replace(/^bytes /, "").split("/");
      if (total !== String(this.#size)) {
        const hint = UPLOAD;
        throw new Again(`the object has ${total ?? "no"} bytes, not ${this.#size}`, 3, { hint });
      }
      if (span !== `${start}-${end - 1}`) {
        throw new Again(`the answer is the range ${span}, not ${start}-${end - 1}`, 3);
      }
    }
    if (length !== end - start) throw new Again(`the answer says that it has ${length} bytes`, 4);
    // From now on all ranges are of one and the same object.
    this.#etag ||= reply.headers.etag ?? "";
  }

  /** Says what an answer that is no content means; always throws. */
  async #judge(reply, keys, etag) {
    const status = reply.statusCode;
    const body = await text(reply);
    const [code, message] = ["Code", "Message"].map((name) => element(body, name));
    const said = [code || status, message].filter(Boolean).join(": ");
    if (status === 412) {
      if (this.#etag === etag) this.#etag = "";
      const why = `the object was replaced while it was read (${said})`;
      throw new Again(why, 4, { atOnce: true, hint: UPLOAD });
    }
    if (STALE_KEYS.includes(code)) {
      await this.#keyring.forget(keys);
      throw new Again(said, 5);
    }
    if (SKEW.includes(code)) {
      this.#skew = (Date.parse(reply.headers.date) || Date.now()) - Date.now();
      throw new Again(said, 4, { atOnce: true });
    }
    const region = reply.headers["x-amz-bucket-region"] || element(body, "Region");
    if ((ELSEWHERE.includes(code) || [301, 307].includes(status)) && region) {
      if (region !== this.#place.region) this.#place.ask(region);
      throw new Again(said, 3, { atOnce: true });
    }
    if ([408, 429].includes(status) || status >= 500) throw new Again(said);
    if (["RequestTimeout", "SlowDown"].includes(code)) throw new Again(said);
    const place = this.#place;
    if (status === 403) {
      // Keys that were exchanged a moment ago are refused for a moment.
      await this.#keyring.forget(keys);
      throw new Again(said, 4, { denied: true });
    }
    if (status === 404) throw new BundleError(`the bundle ${place} is not there`, said, UPLOAD);
    if (status === 416) {
      throw new BundleError(`the bundle ${place} is smaller than it was deployed`, said, UPLOAD);
    }
    throw new BundleError(`the bundle ${place} cannot be read`, said);
  }
}

/** All of an answer's content, which is to have that many bytes. */
function received(run, reply, length) {
  return new Promise((resolve, reject) => {
    // Threads are to see it without a copy.
    const data = Buffer.from(new SharedArrayBuffer(length));
    let at = 0;
    const short = () => reject(new Again(`the answer ended after ${at} of ${length} bytes`));
    reply.on("data", (chunk) => {
      at += chunk.copy(data, at);
      run.last = performance.now();
    });
    reply.on("end", () => (at === length ? resolve(data) : short()));
    reply.on("error", (error) => (error.code === "ECONNRESET" ? short() : reject(error)));
    reply.on("close", short);
  });
}

async function text(reply) {
  let body = "";
  for await (const chunk of reply.setEncoding("utf8")) {
    if (body.length < BODY) body += chunk;
  }
  return body;
}

function element(body, name) {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? "";
}
