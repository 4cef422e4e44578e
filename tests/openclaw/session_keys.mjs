// OpenClaw's own answer to the question whose conversation a peer of channel `voice` has.
// Arguments: a release's dist folder. Standard input: a list of {session, number}; output: the list of keys.
import { readFileSync } from "node:fs";
import { found } from "./own_functions.mjs";

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
