/** Health: one line, and what to do about what is not well. */

import { ask } from "./api.js";
import { byId, list, make } from "./dom.js";

const LOOK_MS = 30_000;

/** Whose word is taken for what: the voice server's for the networks, the bridge's for what lies behind it. */
const NAMES = {
  phone: { openai: "OpenAI", twilio: "Twilio", bridge: "Bridge", store: "Call store" },
  bridge: { voice_server: "Voice server", openclaw: "OpenClaw store", journal: "Journal" },
};

/** Begin to look, every half minute. */
export async function begin() {
  if (!document.hidden) draw(await look());
  setTimeout(begin, LOOK_MS);
}

async function look() {
  const [bridge, phone] = await Promise.all([checks("/health"), checks("/phone/health")]);
  // Where the voice server is away, the bridge says so already.
  return [...named("phone", phone), ...named("bridge", bridge)];
}

async function checks(path) {
  try {
    return (await ask("GET", path, { also: [503] })).checks ?? {};
  } catch (error) {
    return path === "/health" ? { journal: { status: "failed", detail: error.message } } : {};
  }
}

function named(service, found) {
  return Object.entries(NAMES[service])
    .filter(([name]) => found[name])
    .map(([name, words]) => ({ ...found[name], name: words }));
}

function draw(all) {
  const keyOf = ({ name, status, detail }) => `${name} ${status} ${detail}`;
  const bad = all.filter((one) => one.status === "failed");
  byId("health").classList.toggle("failed", bad.length > 0);
  list(byId("health").querySelector("ul"), all, keyOf, (one) => {
    const words = one.status === "ok" ? "ok" : one.status === "unknown" ? "not known yet" : one.detail;
    const item = make("li", one.status, make("b", "", one.name), " ", words);
    item.title = one.detail;
    return item;
  });
}
