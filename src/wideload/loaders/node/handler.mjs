// Finds a function's handler as Lambda's Node.js runtimes do. What the runtimes up to 22 do and
// what those from 24 on do is read off the client that AWS publishes for them, versions 3 and 4.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
/** The major version of Node.js. */
export const MAJOR = Number(process.versions.node.split(".")[0]);
const HANDLER = /^([^.]*)\.(.*)$/;

/** There is no function of the handler's name; `name` is what Lambda calls that. */
export class HandlerNotFound extends Error {
  name = "Runtime.HandlerNotFound";
}

/** The handler's name is none. */
export class MalformedHandlerName extends Error {
  name = "Runtime.MalformedHandlerName";
}

/**
 * The function that `name` means, its module being loaded.
 *
 * What the module throws while it is loaded is thrown on as it is: it is for the runtime to say
 * what to call it.
 *
 * @param {string} root folder of the function's files
 * @param {string} name `folder/module.function`
 */
export async function findHandler(root, name, major = MAJOR) {
  if (name.includes("..")) {
    const absolute = "Use absolute paths when specifying root directories in handler names.";
    throw new MalformedHandlerName(`'${name}' is not a valid handler name. ${absolute}`);
  }
  const base = path.basename(name);
  const folder = name.slice(0, name.indexOf(base));
  const match = HANDLER.exec(base);
  if (!match) throw new MalformedHandlerName("Bad handler");
  const [, module, property] = match;
  const load = major < 24 ? loadByKind : loadByImport;
  const loaded = await load(root, folder, module);
  let found = property_of(loaded, property);
  if (!found && major >= 24) found = property_of(loaded?.default, property);
  if (!found) throw new HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof found !== "function") throw new HandlerNotFound(`${name} is not a function`);
  return found;
}

function property_of(object, dotted) {
  return dotted.split(".").reduce((nested, key) => nested?.[key], object);
}

/** Up to 22: CommonJS is required, and only ES modules are imported. */
async function loadByKind(root, folder, module) {
  const file = path.resolve(root, folder, module);
  if (existsSync(file)) return require(file);
  if (existsSync(`${file}.js`)) {
    return isModuleFolder(path.dirname(file)) ? await imported(`${file}.js`) : require(`${file}.js`);
  }
  if (existsSync(`${file}.mjs`)) return await imported(`${file}.mjs`);
  if (existsSync(`${file}.cjs`)) return require(`${file}.cjs`);
  return require(require.resolve(module, { paths: [root, folder] }));
}

/** From 24 on all is imported. */
async function loadByImport(root, folder, module) {
  const file = path.resolve(root, folder, module);
  for (const ending of ["", ".js", ".mjs", ".cjs"]) {
    if (existsSync(file + ending)) return await imported(file + ending);
  }
  return require(require.resolve(module, { paths: [root, path.join(root, folder)] }));
}

function imported(file) {
  return import(pathToFileURL(file).href);
}

/** Whether the nearest package.json says that files named .js are ES modules. */
function isModuleFolder(folder) {
  if (folder.endsWith("/node_modules")) return false;
  const file = path.join(folder, "package.json");
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file))?.type === "module";
    } catch (error) {
      const ignored = "cannot be read, it will be ignored for ES module detection purposes.";
      console.warn(`${file} ${ignored}`, error);
      return false;
    }
  }
  return folder === "/" ? false : isModuleFolder(path.dirname(folder));
}
