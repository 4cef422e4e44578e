// A release's own functions, by their names. The first argument of the script is its dist folder.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const dist = process.argv[2];
const bundles = readdirSync(dist).filter((name) => /\.m?js$/.test(name)).map((name) => join(dist, name));

// Bundles are named by their content, exports by a letter: `export { resolveAgentRoute as i }`.
export async function found(name) {
  for (const path of bundles) {
    const text = readFileSync(path, "utf8");
    const alias = text.match(new RegExp(`export \\{[^}]*\\b${name} as (\\w+)`));
    if (alias && text.includes(`function ${name}(`)) return (await import(path))[alias[1]];
  }
}
