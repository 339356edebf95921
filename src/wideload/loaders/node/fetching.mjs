// Fetches frames, in order, by parallel ranges.

import { Again, Run } from "./download.mjs";
import { BundleError } from "./trouble.mjs";

/** Ranges at once, besides those that are asked for a second time. */
const CONNECTIONS = 12;
/** Bytes from the start that are fetched in small ranges: unpacking is to begin soon, and one
 * connection to S3 has some 55 MB/s. */
const HEAD = 24 << 20;
const HEAD_RANGE = 2 << 20;
const RANGE = 8 << 20;
const HEDGES = 4;
const CORRUPT_LIMIT = 4;
const WAIT_MS = 2000;
const FIRST_BYTE_MS = 300;
const SILENT_MS = 750;
const WATCH_MS = 50;

const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** A range, with the frames that it holds something of. */
class Piece {
  attempts = 0;
  after = 0;
  runs = [];
  isHedged = false;
  done = false;

  constructor(start, end, frame) {
    [this.start, this.end, this.frames] = [start, end, [frame]];
  }
}

/**
 * A number of connections that work through pieces. `deliver` is called with a frame's number
 * and its bytes, in parts, when all are there; whoever is given it says by `release` when its
 * memory is free again, or by `corrupt` that it was not the frame. `failed` is called once, with
 * why nothing more will come. `memory`: bytes that may be under way at once, roughly.
 */
export class Fetching {
  counts = { requests: 0, retries: 0, hedges: 0, corrupt: 0, bytes: 0, first: 0, fetched: 0 };
  #source;
  #bundle;
  #deliver;
  #failed;
  #memory;
  #waiting = [];
  #flying = new Set();
  #busy = 0;
  #parts = new Map();
  #open = new Set();
  #corrupted = new Map();
  #rates = [];
  #firsts = [];
  #over = false;
  #watch;
  #wake;

  constructor(source, bundle, deliver, failed, memory) {
    [this.#source, this.#bundle, this.#memory] = [source, bundle, memory];
    [this.#deliver, this.#failed] = [deliver, failed];
    this.#watch = setInterval(() => this.#hedge(), WATCH_MS);
  }

  /** Fetch these frames, after those that are wanted already. */
  want(frames) {
    this.#waiting.push(...this.#cut(frames));
    this.#go();
  }

  /** A frame's memory is free again. */
  release(frame) {
    this.#open.delete(frame);
    this.#go();
  }

  /** A frame was not what the index says: fetch it again. */
  corrupt(frame) {
    this.counts.corrupt += 1;
    const count = (this.#corrupted.get(frame) ?? 0) + 1;
    this.#corrupted.set(frame, count);
    this.#open.delete(frame);
    if (count < CORRUPT_LIMIT) {
      this.#waiting.unshift(...this.#cut([frame]));
      this.#go();
      return;
    }
    this.#fail(
      new BundleError(
        "the bundle in S3 is not the one that was deployed",
        `frame ${frame} had another digest ${count} times`,
        "deploy the function again: it uploads the bundle",
      ),
    );
  }

  /** Let all be over. */
  stop() {
    this.#over = true;
    clearInterval(this.#watch);
    clearTimeout(this.#wake);
    for (const piece of this.#flying) piece.runs.forEach((run) => run.end());
    this.#source.close();
  }

  #cut(frames) {
    const pieces = [];
    const part = this.#bundle.part;
    const below = (at, stride) => Math.floor(at / stride) * stride;
    for (const frame of frames) {
      const [offset, length] = this.#bundle.frames[frame];
      for (let at = offset; at < offset + length; ) {
        const stride = at < HEAD ? HEAD_RANGE : RANGE;
        const border = Math.min(below(at, stride) + stride, below(at, part) + part, offset + length);
        const last = pieces.at(-1);
        const grows = last?.end === at && border - last.start <= stride / 2;
        if (grows && below(last.start, part) === below(at, part)) {
          last.end = border;
          if (last.frames.at(-1) !== frame) last.frames.push(frame);
        } else pieces.push(new Piece(at, border, frame));
        at = border;
      }
    }
    return pieces;
  }

  #go() {
    while (!this.#over && this.#busy < CONNECTIONS) {
      const piece = this.#next();
      if (!piece) break;
      this.#run(piece);
    }
    clearTimeout(this.#wake);
    const times = this.#waiting.map((piece) => piece.after).filter((after) => after > 0);
    if (!this.#over && times.length && this.#busy < CONNECTIONS) {
      const soonest = Math.max(1, Math.min(...times) - performance.now());
      this.#wake = setTimeout(() => this.#go(), soonest);
    }
  }

  #next() {
    const now = performance.now();
    let held = 0;
    for (const frame of this.#open) held += this.#bundle.frames[frame][1];
    const at = this.#waiting.findIndex(
      (piece) =>
        piece.after <= now &&
        // What has begun must end, or nothing is ever free.
        (held < this.#memory || piece.frames.every((frame) => this.#open.has(frame))),
    );
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
  }

  async #run(piece) {
    const run = new Run();
    piece.runs.push(run);
    piece.after = 0;
    this.#flying.add(piece);
    for (const frame of piece.frames) this.#open.add(frame);
    this.counts.requests += 1;
    this.#busy += 1;
    try {
      const data = await this.#source.read(run, piece.start, piece.end);
      this.#arrived(piece, run, data);
    } catch (error) {
      if (error instanceof Again) this.#retry(piece, run, error);
      else this.#fail(error);
    } finally {
      this.#busy -= 1;
      this.#go();
    }
  }

  #retry(piece, run, again) {
    piece.runs.splice(piece.runs.indexOf(run), 1);
    if (piece.done || run.cut || this.#over) return;
    this.counts.retries += 1;
    piece.attempts += 1;
    // The other attempt goes on.
    if (piece.runs.length) return;
    this.#flying.delete(piece);
    if (piece.attempts >= again.limit) {
      this.#fail(this.#source.givenUp(again, piece.attempts));
      return;
    }
    const pause = again.atOnce ? 0 : Math.min(WAIT_MS, 50 * 2 ** piece.attempts);
    piece.after = performance.now() + pause * (0.5 + Math.random() / 2);
    piece.isHedged = false;
    this.#waiting.push(piece);
    this.#waiting.sort((one, other) => one.start - other.start);
  }

  #arrived(piece, run, data) {
    piece.runs.splice(piece.runs.indexOf(run), 1);
    if (piece.done || this.#over) return;
    piece.done = true;
    this.#flying.delete(piece);
    piece.runs.forEach((other) => other.end());
    const now = performance.now();
    this.#rates.push(data.length / Math.max(now - run.began, 0.001));
    this.#firsts.push(run.first - run.began);
    this.counts.bytes += data.length;
    this.counts.first ||= run.first;
    this.counts.fetched = now;
    for (const frame of piece.frames) {
      const [offset, length] = this.#bundle.frames[frame];
      const start = Math.max(offset, piece.start);
      const end = Math.min(offset + length, piece.end);
      const parts = this.#parts.get(frame) ?? new Map();
      this.#parts.set(frame, parts);
      parts.set(start, data.subarray(start - piece.start, end - piece.start));
      let there = 0;
      for (const part of parts.values()) there += part.length;
      if (there === length) {
        this.#parts.delete(frame);
        const order = [...parts.keys()].sort((a, b) => a - b);
        this.#deliver(
          frame,
          order.map((at) => parts.get(at)),
        );
      }
    }
  }

  /** Asks a second time for what is slower than all else. */
  #hedge() {
    const now = performance.now();
    let hedges = 0;
    for (const piece of this.#flying) hedges += piece.runs.length > 1;
    for (const piece of this.#flying) {
      if (hedges >= HEDGES) break;
      if (piece.isHedged || piece.runs.length !== 1) continue;
      if (!this.#isSlow(piece.runs[0], piece.end - piece.start, now)) continue;
      piece.isHedged = true;
      hedges += 1;
      this.counts.hedges += 1;
      this.#run(piece);
    }
  }

  #isSlow(run, length, now) {
    if (!run.first) {
      const usual = this.#firsts.length ? middle(this.#firsts) : 100;
      return now - run.began > Math.max(FIRST_BYTE_MS, 3 * usual);
    }
    if (now - run.last > SILENT_MS) return true;
    if (this.#rates.length < 3) return false;
    return now - run.began > Math.max(FIRST_BYTE_MS, (3 * length) / middle(this.#rates));
  }

  #fail(error) {
    if (this.#over) return;
    this.stop();
    this.#failed(error);
  }
}
