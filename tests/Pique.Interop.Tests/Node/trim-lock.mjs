// Takes the optional packages out of the lock file: builds for other machines and for graphics cards, 600 MB, of which npm would ask for
// every one to be locked. Run by `npm run lock`, after a version in package.json has changed.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
for (const [name, entry] of Object.entries(lock.packages)) {
  if (entry.optional)
    delete lock.packages[name];
  else
    delete entry.optionalDependencies;
}
writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
