// The folder in /tmp that a bundle is unpacked into, and what is found there.
//
// `wideload-DIGEST` holds
//
// - `tree`: all files. It is put there by one rename, when it is whole;
// - `run-PID-START-…/tree`: what a process is writing, which nobody else uses while it lives;
// - `complete`: written last: what all that is in the tree looked like then.
//
// Nothing that is found is taken for what it should be: the tree counts when it is untouched
// since it was complete; otherwise each file is held to the index's digest.

import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { BundleError } from "./trouble.mjs";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const MB = 1_000_000;

/** What to say when /tmp cannot be written to. */
export function full(root, error, wanted) {
  if (error instanceof BundleError) return error;
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(error.code)) return tooSmall(root, wanted);
  if (error.syscall) return new BundleError(`${root} cannot be written to`, error.message);
  return new BundleError("the loader failed", `${error.name}: ${error.message}`);
}

function tooSmall(root, wanted) {
  let [free, size] = [0, 0];
  try {
    const { bavail, blocks, bsize } = fs.statfsSync(path.dirname(root));
    [free, size] = [bavail * bsize, blocks * bsize].map((bytes) => Math.floor(bytes / MB));
  } catch {
    // It is told all the same.
  }
  return new BundleError(
    "/tmp is too small for the function's packages",
    `${Math.ceil(wanted / MB)} MB are needed, ${free} of ${size} MB are free`,
    "give the function more ephemeral storage: `ephemeral` in wideload.toml, in MB, up to 10240",
  );
}

export class Folder {
  /** Whether it was made just now. */
  fresh;
  #bundle;
  #task;
  #folders;
  #run = "";

  constructor(root, bundle, task) {
    this.root = root;
    this.tree = `${root}/tree`;
    this.#bundle = bundle;
    this.#task = task;
    this.fresh = this.#make();
    const found = fs.lstatSync(root);
    if (!isOwn(found)) throw new BundleError(`${root} is not the loader's own`);
  }

  /** Where this process writes to. */
  get work() {
    return `${this.#run}/tree`;
  }

  /** Whether all was complete and nothing was touched since. */
  untouched() {
    try {
      const noted = JSON.parse(readPlain(`${this.root}/complete`));
      const { sha256, files, own } = this.#bundle;
      if (noted.bundle !== sha256 || !fs.lstatSync(this.tree).isDirectory()) return false;
      const stamps = files.map(([name]) => stampOf(`${this.tree}/${name}`));
      return (
        noted.stamps === this.#digest(this.tree, stamps) &&
        own.every((name) =>
          fs.readFileSync(`${this.#task}/${name}`).equals(readPlain(`${this.tree}/${name}`)),
        )
      );
    } catch {
      return false;
    }
  }

  /**
   * Begins a tree of this process's own: `empty`, or with what was `left` by a process that was
   * killed, or damaged since, and is to be looked at. Answers which; `complete` where another
   * process has just finished.
   */
  begin() {
    this.#run = `${this.root}/run-${process.pid}-${startOf(process.pid)}-${token()}`;
    fs.mkdirSync(this.#run, 0o700);
    const found = this.fresh ? "empty" : this.#adopt();
    if (found === "complete") {
      this.#leave();
      return found;
    }
    if (found === "left") this.#sift("");
    else fs.mkdirSync(this.work, 0o700);
    for (const folder of this.#allFolders()) {
      try {
        fs.mkdirSync(`${this.work}/${folder}`, 0o700);
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
    }
    return found;
  }

  /** Checks that there is room for so many bytes. */
  room(wanted) {
    const { bavail, bsize } = fs.statfsSync(this.root);
    if (bavail * bsize < wanted) throw tooSmall(this.root, wanted);
  }

  /** Lays the files of the function's zip beside those of the bundle. */
  layOwn() {
    for (const name of this.#bundle.own) {
      const from = `${this.#task}/${name}`;
      const to = `${this.work}/${name}`;
      fs.rmSync(to, { force: true });
      const mode = fs.statSync(from).mode & 0o755;
      const file = fs.openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        fs.writeFileSync(file, fs.readFileSync(from));
        fs.fchmodSync(file, mode);
      } finally {
        fs.closeSync(file);
      }
    }
  }

  /**
   * All is there: puts the tree where modules are loaded from, and notes that it is complete.
   *
   * @param {string[]} stamps of the bundle's files
   */
  finish(stamps) {
    const noted = { bundle: this.#bundle.sha256, stamps: this.#digest(this.work, stamps) };
    fs.writeFileSync(`${this.#run}/complete`, JSON.stringify(noted), { flag: "wx", mode: 0o600 });
    for (let attempt = 0; ; attempt++) {
      try {
        fs.renameSync(this.work, this.tree);
        break;
      } catch (error) {
        if (attempt === 8 || !["EEXIST", "ENOTEMPTY", "ENOTDIR"].includes(error.code)) throw error;
        // Another process was faster.
        if (this.untouched()) return this.#leave();
        fs.rmSync(`${this.root}/complete`, { force: true, recursive: true });
        fs.renameSync(this.tree, `${this.#run}/old-${attempt}`);
      }
    }
    fs.renameSync(`${this.#run}/complete`, `${this.root}/complete`);
    this.#leave();
  }

  /** Removes what processes left that were killed when all was complete. */
  sweep() {
    for (const name of fs.readdirSync(this.root)) {
      if (name.startsWith("run-") && !isAlive(name)) {
        fs.rmSync(`${this.root}/${name}`, { recursive: true, force: true });
      }
    }
  }

  #leave() {
    fs.rmSync(this.#run, { recursive: true, force: true });
  }

  /** Makes the root. What is there already counts only if it is a folder of our own. */
  #make() {
    const { root } = this;
    for (let attempt = 0; attempt < 8; attempt++) {
      try {
        fs.mkdirSync(root, 0o700);
        return true;
      } catch (error) {
        if (error.code !== "EEXIST") throw full(root, error, this.#bundle.tmp_bytes);
      }
      try {
        const found = fs.lstatSync(root);
        if (isOwn(found)) return false;
        // Others may have been in it.
        if (found.isDirectory()) fs.renameSync(root, `${root}.${token()}.foreign`);
        else fs.unlinkSync(root);
      } catch (error) {
        if (error.code === "ENOENT") continue;
        throw new BundleError(
          `${root} is there already and is not the loader's own`,
          error.message,
        );
      }
    }
    throw new BundleError(`${root} is made by somebody else again and again`);
  }

  /** Takes over what others have left; nobody's who lives. */
  #adopt() {
    const others = fs.readdirSync(this.root).filter((name) => name.startsWith("run-"));
    const dead = others.filter((name) => !isAlive(name)).map((name) => `${this.root}/${name}`);
    if (others.length > dead.length + 1) return "empty";
    if (this.untouched()) return "complete";
    fs.rmSync(`${this.root}/complete`, { force: true, recursive: true });
    let found = "empty";
    for (const left of [this.tree, ...dead.map((name) => `${name}/tree`)]) {
      try {
        if (found === "empty" && fs.lstatSync(left).isDirectory()) {
          fs.renameSync(left, this.work);
          found = "left";
        }
      } catch (error) {
        if (!["ENOENT", "ENOTDIR"].includes(error.code)) throw error;
      }
    }
    for (const left of [this.tree, ...dead]) fs.rmSync(left, { recursive: true, force: true });
    return found;
  }

  /** Removes what is in the tree and is not the bundle's, links above all. */
  #sift(prefix) {
    this.paths ??= new Set(this.#bundle.files.map(([name]) => name));
    this.wanted ??= new Set(this.#allFolders());
    if (!prefix) fs.chmodSync(this.work, 0o700);
    for (const entry of fs.readdirSync(`${this.work}/${prefix}`, { withFileTypes: true })) {
      const name = prefix + entry.name;
      const place = `${this.work}/${name}`;
      if (entry.isDirectory() && this.wanted.has(name)) {
        fs.chmodSync(place, 0o700);
        this.#sift(`${name}/`);
      } else if (!entry.isFile() || !this.paths.has(name)) {
        fs.rmSync(place, { recursive: true, force: true });
      }
    }
  }

  /** The folders that files lie in, each after those that it lies in. */
  #allFolders() {
    if (!this.#folders) {
      const found = new Set();
      const names = this.#bundle.files.map(([name]) => name).concat(this.#bundle.own);
      for (const name of names) {
        for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) {
          const folder = name.slice(0, at);
          if (found.has(folder)) break;
          found.add(folder);
        }
      }
      this.#folders = [...found].sort();
    }
    return this.#folders;
  }

  #digest(tree, stamps) {
    const digest = createHash("sha256");
    for (const folder of this.#allFolders()) digest.update(`${stampOf(`${tree}/${folder}`)}\n`);
    return digest.update(stamps.join("\n")).digest("hex");
  }
}

/** What a file or folder looks like, no link being followed. */
export function stampOf(place) {
  return stamp(fs.lstatSync(place, { bigint: true }));
}

/** The same of an open file. */
export function stampOfOpen(file) {
  return stamp(fs.fstatSync(file, { bigint: true }));
}

function stamp({ size, mode, ino, mtimeNs, ctimeNs }) {
  return [size, mode, ino, mtimeNs, ctimeNs].join(" ");
}

function isOwn(found) {
  return found.isDirectory() && found.uid === process.geteuid() && (found.mode & 0o7777) === 0o700;
}

function readPlain(place) {
  const file = fs.openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    return fs.readFileSync(file);
  } finally {
    fs.closeSync(file);
  }
}

function token() {
  return randomBytes(6).toString("hex");
}

/** Whether the process that made a run's folder is there still. */
function isAlive(name) {
  const [, pid, start] = name.split("-");
  return startOf(pid) === start;
}

/** When a process began, in the kernel's ticks; nothing where there is none. */
function startOf(pid) {
  try {
    const told = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return told.slice(told.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "";
  }
}
