// Starts the function: its packages are fetched and unpacked, then its module is loaded.

import { readFileSync } from "node:fs";
import Module from "node:module";
import { dirname } from "node:path";

import { Bundle } from "./bundle.mjs";
import { Keyring } from "./credentials.mjs";
import { Source } from "./download.mjs";
import { Fetching } from "./fetching.mjs";
import { Folder, full, stampOf } from "./folder.mjs";
import { findHandler } from "./handler.mjs";
import { Place } from "./place.mjs";
import { Unpacking } from "./unpacking.mjs";
import { BundleError } from "./trouble.mjs";

/** Environment variable: where it is set, a line of JSON on standard error says how it went. */
const TIMINGS = "WIDELOAD_TIMINGS";
const MB = 1_000_000;

/**
 * The function's own handler, all that it needs being there.
 *
 * @param {string} home the loader's folder in the function's zip
 */
export async function start(home) {
  const began = performance.now();
  const told = JSON.parse(readFileSync(`${home}/function.json`, "utf8"));
  const bundle = new Bundle(home);
  const task = process.env.LAMBDA_TASK_ROOT || dirname(home);
  const root = `${told.folder}/wideload-${told.bundle.slice(0, 32)}`;
  let folder, account;
  try {
    folder = new Folder(root, bundle, task);
    if (folder.fresh || !folder.untouched()) account = await fill(folder, bundle);
    else {
      folder.sweep();
      account = all(bundle);
    }
  } catch (error) {
    throw full(root, error, bundle.tmp_bytes);
  }
  const unpacked = performance.now();
  move(task, folder.tree);
  process.env._HANDLER = told.handler;
  const handler = await findHandler(folder.tree, told.handler);
  if (process.env[TIMINGS]) tell(began, unpacked, account);
  return handler;
}

/** Fetches what lacks, and puts the tree in its place. Answers how that went. */
async function fill(folder, bundle) {
  const { promise, resolve, reject } = Promise.withResolvers?.() ?? withResolvers();
  promise.catch(() => {});
  const place = new Place(process.env);
  const source = new Source(place, new Keyring(process.env), bundle.size);
  const unpacking = new Unpacking(reject);
  const stretches = jobs(bundle);
  const stamps = new Array(bundle.files.length);
  const left = new Set(bundle.frames.keys());
  let [firstFrame, reused] = [0, 0];
  const begun = Promise.withResolvers?.() ?? withResolvers();

  const there = (frame, found) => {
    firstFrame ||= performance.now();
    stretches[frame].forEach(({ number }, at) => (stamps[number] = found[at]));
    left.delete(frame);
    if (!left.size) resolve();
  };
  const deliver = async (frame, parts) => {
    // The first answers are under way while the folder is made.
    await begun.promise;
    const [, , sha256, rawLength] = bundle.frames[frame];
    const { compression } = bundle;
    const job = { work: folder.work, parts, sha256, rawLength, compression };
    const answer = await unpacking.do({ ...job, stretches: stretches[frame] });
    if (answer.error) reject(again(answer.error));
    else if (answer.corrupt) fetching.corrupt(frame);
    else {
      fetching.release(frame);
      there(frame, answer.stamps);
    }
  };
  const fetching = new Fetching(source, bundle, deliver, reject, memory());
  try {
    if (folder.fresh) fetching.want(left);
    const found = folder.begin();
    if (found === "complete") return all(bundle);
    if (found === "left") {
      const surveyed = await Promise.all(
        [...left].map((frame) => survey(unpacking, folder, bundle, stretches, frame)),
      );
      const lacking = surveyed.flatMap((answer, frame) => (answer.stamps ? [] : [frame]));
      folder.room(lacking.reduce((sum, frame) => sum + bundle.frames[frame][3], 0));
      fetching.want(lacking);
      surveyed.forEach((answer, frame) => answer.stamps && there(frame, answer.stamps));
      reused = surveyed.length - lacking.length;
    } else {
      folder.room(bundle.tmp_bytes);
      if (!folder.fresh) fetching.want(left);
    }
    begun.resolve();
    folder.layOwn();
    await promise;
    bundle.files.forEach(([name], number) => (stamps[number] ||= stampOf(`${folder.work}/${name}`)));
    folder.finish(stamps);
  } finally {
    fetching.stop();
    unpacking.close();
  }
  return { ...fetching.counts, firstFrame, reused };
}

async function survey(unpacking, folder, bundle, stretches, frame) {
  const job = { work: folder.work, rawSha256: bundle.frames[frame][4] };
  const answer = await unpacking.do({ ...job, stretches: stretches[frame] });
  if (answer.error) throw again(answer.error);
  return answer;
}

/** For each frame what a thread has to know of the files in it. */
function jobs(bundle) {
  return bundle.stretches().map((held) =>
    held.map(([number, start, length]) => {
      const [path, , , size, mode] = bundle.files[number];
      const digest = bundle.digest(number).toString("hex");
      return { number, path, start, length, size, mode, digest, isWhole: length === size };
    }),
  );
}

/** What a thread threw, which lost its class on the way. */
function again({ parts, ...rest }) {
  return parts ? new BundleError(...parts) : Object.assign(new Error(rest.message), rest);
}

/** Bytes that may be under way: an eighth of the function's memory, within reason. */
function memory() {
  const told = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) || 1024;
  return Math.max(32, Math.min(256, told / 8)) * MB;
}

/** Lets all that looks for the function's files look where they now lie. */
function move(task, tree) {
  process.env.LAMBDA_TASK_ROOT = tree;
  process.chdir(tree);
  const places = process.env.NODE_PATH?.split(":");
  if (places?.includes(task)) {
    process.env.NODE_PATH = places.map((place) => (place === task ? tree : place)).join(":");
    // Node.js reads it once, unless told to.
    Module._initPaths?.();
  }
}

/** Nothing had to be fetched. */
function all(bundle) {
  return { reused: bundle.frames.length };
}

function tell(began, unpacked, account) {
  const since = (moment) => Math.round((moment - began) * 10) / 10;
  const { first, firstFrame, fetched, reused, ...counts } = account;
  const told = {};
  const moments = { first_byte: first, first_frame: firstFrame, fetched };
  for (const [name, moment] of Object.entries(moments)) {
    if (moment) told[`${name}_ms`] = since(moment);
  }
  const ready = since(performance.now());
  Object.assign(told, { unpacked_ms: since(unpacked), ...counts, reused_frames: reused });
  Object.assign(told, { imported_ms: ready, ready_ms: ready, held_ms: since(unpacked) });
  process.stderr.write(`${JSON.stringify({ wideload: { ...told, whole: true } })}\n`);
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
