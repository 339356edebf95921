// The module that Lambda is told to call instead of the function's own.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { start } from "./start.mjs";

export const handler = await start(dirname(fileURLToPath(import.meta.url)));
