// One thread of unpacking.mjs.

import { createHash } from "node:crypto";
import fs from "node:fs";
import { parentPort } from "node:worker_threads";

import { unpacked } from "./bundle.mjs";
import { stampOfOpen } from "./folder.mjs";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const CHUNK = 1 << 20;
const MASK = process.umask();

parentPort.on("message", (job) => {
  let answer;
  try {
    answer = job.parts ? unpack(job) : survey(job);
  } catch (error) {
    const { name, message, code, syscall, parts } = error;
    answer = { error: { name, message, code, syscall, parts } };
  }
  parentPort.postMessage(answer);
});

/** Writes the files of a frame, if it is the frame; answers their stamps. */
function unpack({ work, parts, sha256, rawLength, compression, stretches }) {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  if (digest.digest("hex") !== sha256) return { corrupt: true };
  const data = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  const content = unpacked(compression, data, rawLength);
  const stamps = [];
  let at = 0;
  for (const { path, start, length, size, mode, isWhole } of stretches) {
    const place = `${work}/${path}`;
    const file = isWhole ? created(place, mode) : shared(place, mode, size);
    try {
      for (let done = 0; done < length; ) {
        done += fs.writeSync(file, content, at + done, length - done, start + done);
      }
      stamps.push(isWhole ? stampOfOpen(file) : "");
    } finally {
      fs.closeSync(file);
    }
    at += length;
  }
  return { stamps };
}

/** Says of the files of a frame whether all are there already, by their content. */
function survey({ work, rawSha256, stretches }) {
  const stamps = [];
  for (const { path, start, length, size, mode, digest, isWhole } of stretches) {
    let file;
    try {
      file = fs.openSync(`${work}/${path}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch {
      return { lacking: true };
    }
    try {
      const found = fs.fstatSync(file);
      const fits = found.isFile() && found.size === size && (found.mode & 0o7777) === mode;
      if (!fits || digestOf(file, start, length) !== (isWhole ? digest : rawSha256)) {
        return { lacking: true };
      }
      stamps.push(isWhole ? stampOfOpen(file) : "");
    } finally {
      fs.closeSync(file);
    }
  }
  return { stamps };
}

/** A new file; what is there goes. */
function created(place, mode) {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  let file;
  try {
    file = fs.openSync(place, flags, mode);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    fs.rmSync(place, { recursive: true, force: true });
    file = fs.openSync(place, flags, mode);
  }
  if (mode & MASK) fs.fchmodSync(file, mode);
  return file;
}

/** A file of several frames, which whoever is first makes. */
function shared(place, mode, size) {
  const file = fs.openSync(place, O_WRONLY | O_CREAT | O_NOFOLLOW, mode);
  fs.fchmodSync(file, mode);
  fs.ftruncateSync(file, size);
  return file;
}

function digestOf(file, start, length) {
  const digest = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, length));
  for (let done = 0; done < length; ) {
    const count = fs.readSync(file, buffer, 0, Math.min(CHUNK, length - done), start + done);
    if (!count) break;
    digest.update(buffer.subarray(0, count));
    done += count;
  }
  return digest.digest("hex");
}
