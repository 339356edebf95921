// AWS's signature, version 4, for GETs of S3.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHash, createHmac } from "node:crypto";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const EMPTY = sha256("");

/** These headers with those of a signature; `now` in milliseconds, as S3 counts them. */
export function signed(place, headers, keys, now) {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const every = {};
  for (const [name, value] of Object.entries(headers)) every[name.toLowerCase()] = value;
  every.host = place.authority;
  every["x-amz-date"] = stamp;
  every["x-amz-content-sha256"] = EMPTY;
  if (keys.token) every["x-amz-security-token"] = keys.token;
  const names = Object.keys(every).sort();
  const listed = names.join(";");
  const canonical = [
    ...["GET", place.path, place.query],
    ...names.map((name) => `${name}:${every[name].trim().split(/\s+/).join(" ")}`),
    ...["", listed, EMPTY],
  ].join("\n");
  const scope = `${day}/${place.region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`;
  const parts = [day, place.region, "s3", "aws4_request", text];
  const signature = parts.reduce(hmac, `AWS4${keys.secret}`).toString("hex");
  every.authorization =
    `AWS4-HMAC-SHA256 Credential=${keys.access}/${scope}, ` +
    `SignedHeaders=${listed}, Signature=${signature}`;
  return every;
}
