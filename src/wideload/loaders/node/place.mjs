// Where the bundle lies, and the host that is asked for it.

import { BundleError } from "./trouble.mjs";

const VARIABLE = "WIDELOAD_BUNDLE";
// https://docs.aws.amazon.com/general/latest/gr/rande.html: partitions by how regions begin.
const SUFFIXES = [
  ["cn-", "amazonaws.com.cn"],
  ["us-isob-", "sc2s.sgov.gov"],
  ["us-iso-", "c2s.ic.gov"],
  ["eu-isoe-", "cloud.adc-e.uk"],
  ["us-isof-", "csp.hci.ic.gov"],
  ["eusc-", "amazonaws.eu"],
];

const isTrue = (value) => ["true", "1"].includes((value ?? "").toLowerCase());

/** As AWS wants paths and queries: all but letters, digits and `-_.~` by their bytes. */
export const quoted = (text) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * An object of S3. The variables of the AWS SDKs that name an endpoint are obeyed; a named
 * endpoint is asked in path style.
 */
export class Place {
  constructor(environ) {
    const value = environ[VARIABLE] ?? "";
    const match = /^s3:\/\/([^/?]+)\/([^?]+)(?:\?(.*))?$/.exec(value);
    if (!match) {
      throw new BundleError(
        `the environment variable ${VARIABLE} does not say where the bundle lies`,
        `it is '${value}', not s3://bucket/key`,
        "deploy the function again",
      );
    }
    const query = new URLSearchParams(match[3] ?? "");
    this.bucket = match[1];
    this.key = decodeURIComponent(match[2]);
    this.owner = query.get("owner") ?? "";
    this.version = query.get("version") ?? "";
    this.dual = isTrue(environ.AWS_USE_DUALSTACK_ENDPOINT);
    this.fips = isTrue(environ.AWS_USE_FIPS_ENDPOINT);
    const named = environ.AWS_ENDPOINT_URL_S3 || environ.AWS_ENDPOINT_URL || "";
    this.endpoint = isTrue(environ.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS) ? "" : named;
    this.authorities = environ.AWS_CA_BUNDLE;
    this.ask(query.get("region") || environ.AWS_REGION || "us-east-1");
  }

  toString() {
    return `s3://${this.bucket}/${this.key}`;
  }

  /** The object's ARN, for messages. */
  get arn() {
    let partition = "aws";
    if (this.region.startsWith("cn-")) partition = "aws-cn";
    else if (this.region.startsWith("us-gov-")) partition = "aws-us-gov";
    return `arn:${partition}:s3:::${this.bucket}/${this.key}`;
  }

  /**
   * Sets the host of a region: that of the variable, or one that S3 sent us to. What it sets:
   * `secure`, `host`, `port`, `authority` (the header Host), `path` and `query`.
   */
  ask(region) {
    this.region = region;
    const key = this.key.split("/").map(quoted).join("/");
    if (this.endpoint) {
      const url = new URL(this.endpoint);
      this.secure = url.protocol === "https:";
      this.host = url.hostname.replace(/^\[|\]$/g, "");
      this.port = Number(url.port) || (this.secure ? 443 : 80);
      this.authority = url.host;
      this.path = `${url.pathname.replace(/\/+$/, "")}/${this.bucket}/${key}`;
    } else {
      const suffix = SUFFIXES.find(([start]) => region.startsWith(start))?.[1] ?? "amazonaws.com";
      const stack = this.dual ? ".dualstack" : "";
      const service = `${this.fips ? "s3-fips" : "s3"}${stack}.${region}.${suffix}`;
      // The certificate is for one label before s3.
      const byPath = this.bucket.includes(".");
      [this.secure, this.port] = [true, 443];
      this.host = this.authority = byPath ? service : `${this.bucket}.${service}`;
      this.path = byPath ? `/${this.bucket}/${key}` : `/${key}`;
    }
    this.query = this.version ? `versionId=${quoted(this.version)}` : "";
  }
}
