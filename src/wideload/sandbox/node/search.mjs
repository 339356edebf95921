// ES modules by NODE_PATH. Node.js looks there for CommonJS only; Lambda's build of it does for
// both, since Node.js 18, so that packages in layers are found by either.
// https://aws.amazon.com/blogs/compute/node-js-18-x-runtime-now-available-in-aws-lambda/

import { existsSync } from "node:fs";
import Module from "node:module";
import { pathToFileURL } from "node:url";

const BARE = /^(?![./#]|[a-z]+:)/i;
// A module beside a folder of packages finds what is in it.
const bases = (process.env.NODE_PATH ?? "")
  .split(":")
  .filter((folder) => folder.endsWith("/node_modules") && existsSync(folder))
  .map((folder) => pathToFileURL(`${folder}/../_.mjs`).href);

/** Has packages looked for in NODE_PATH, too; costs nothing where there are none. */
export function lookInNodePath() {
  if (!bases.length) return;
  if (Module.registerHooks) Module.registerHooks({ resolve: resolveAtOnce });
  else Module.register(import.meta.url);
}

/** What Node.js 20 calls, in a thread of its own. */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    for (const parentURL of others(specifier, error)) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch {
        // It is not there either.
      }
    }
    throw error;
  }
}

function resolveAtOnce(specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    for (const parentURL of others(specifier, error)) {
      try {
        return next(specifier, { ...context, parentURL });
      } catch {
        // It is not there either.
      }
    }
    throw error;
  }
}

function others(specifier, error) {
  return error.code === "ERR_MODULE_NOT_FOUND" && BARE.test(specifier) ? bases : [];
}
