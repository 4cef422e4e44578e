// OpenClaw's own answer to the question whose conversation a peer of channel `voice` has.
// Arguments: a release's dist folder. Standard input: a list of {session, number}; output: the list of keys.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [dist] = process.argv.slice(2);
const bundles = readdirSync(dist).filter((name) => /\.m?js$/.test(name)).map((name) => join(dist, name));

// Bundles are named by their content, exports by a letter: `export { resolveAgentRoute as i }`.
async function found(name) {
  for (const path of bundles) {
    const text = readFileSync(path, "utf8");
    const alias = text.match(new RegExp(`export \\{[^}]*\\b${name} as (\\w+)`));
    if (alias && text.includes(`function ${name}(`)) return (await import(path))[alias[1]];
  }
}

const route = await found("resolveAgentRoute");
const key = await found("buildAgentPeerSessionKey"); // 2026.2.2 exports only this one
const cases = JSON.parse(readFileSync(0, "utf8"));
const agents = { list: [{ id: "main", default: true }] };
const keys = cases.map(({ session, number }) =>
  route
    ? route({ cfg: { session, agents }, channel: "voice", peer: { kind: "direct", id: number } }).sessionKey
    : key({ ...session, agentId: "main", channel: "voice", peerId: number }),
);
process.stdout.write(JSON.stringify(keys));
