// What the function's zip knows of the bundle; see docs/reference/bundle-format.md.

import { readFileSync } from "node:fs";
import zlib from "node:zlib";

import { BundleError } from "./trouble.mjs";

const FORMAT = 2;
const DIGEST = 32;

/** Says whether this Node.js can unpack frames of a kind. */
const UNPACKERS = { gzip: "gunzipSync", zstd: "zstdDecompressSync" };

/**
 * The index of a bundle.
 *
 * `frames`: for each offset, length, sha256, length and sha256 of the content.
 * `files`: for each path, frame, offset, size, mode, unit.
 */
export class Bundle {
  constructor(home) {
    const read = JSON.parse(readFileSync(`${home}/index.json`, "utf8"));
    if (read.format !== FORMAT) {
      throw new BundleError(
        `the bundle's format is ${read.format}, this loader's is ${FORMAT}`,
        "",
        "build and deploy the function again",
      );
    }
    if (!Object.hasOwn(UNPACKERS, read.compression)) {
      throw new BundleError(
        `the bundle's frames are ${read.compression}, which this loader does not know`,
        "",
        "build and deploy the function again",
      );
    }
    if (!zlib[UNPACKERS[read.compression]]) {
      throw new BundleError(
        `Node.js ${process.versions.node} cannot unpack the bundle's frames`,
        `they are ${read.compression}`,
        "let Lambda update the runtime, or build the function for another",
      );
    }
    Object.assign(this, read);
  }

  /** SHA-256 of a file, by its number. */
  digest(number) {
    this.all ??= Buffer.from(this.digests, "base64");
    return this.all.subarray(number * DIGEST, number * DIGEST + DIGEST);
  }

  /** For each frame what of which files lies in it: number, start in the file, length. */
  stretches() {
    const found = this.frames.map(() => []);
    this.files.forEach(([, first, begins, size], number) => {
      let [frame, offset, at] = [first, begins, 0];
      while (true) {
        const length = Math.min(size - at, this.frames[frame][3] - offset);
        found[frame].push([number, at, length]);
        at += length;
        if (at === size) break;
        [frame, offset] = [frame + 1, 0];
      }
    });
    return found;
  }
}

/** Unpacks a frame whose digest is right, in one piece. */
export function unpacked(compression, data, length) {
  // One chunk that all goes into, with room to see that it ends.
  const options = { chunkSize: Math.max(length + 64, 1024), maxOutputLength: length + 1 };
  const content = zlib[UNPACKERS[compression]](data, options);
  if (content.length !== length) {
    throw new BundleError(
      "a frame of the bundle cannot be unpacked",
      `it holds ${content.length} bytes, not ${length}`,
    );
  }
  return content;
}
