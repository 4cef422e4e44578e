/** Health: one line, and what to do about what is not well. */

import { ask } from "./api.js";
import { byId, list, make } from "./dom.js";

const LOOK_MS = 30_000;
const LOOK_SOON_MS = 5000;

/** Who is asked about what, and what is shown also while it is well. */
const CHECKS = [
  { path: "/phone/health", check: "openai", name: "OpenAI", always: true },
  { path: "/phone/health", check: "twilio", name: "Twilio", always: true },
  { path: "/phone/health", check: "bridge", name: "Bridge", always: true },
  { path: "/health", check: "openclaw", name: "OpenClaw", always: true },
  { path: "/health", check: "voice_server", name: "Voice server" },
  { path: "/phone/health", check: "store", name: "History" },
  { path: "/health", check: "journal", name: "Journal" },
];

const WORDS = { ok: () => "ok", unknown: () => "not known yet", failed: ({ detail }) => detail };

/** Begin to look, every half minute, and sooner where something is not known yet. */
export async function begin() {
  const all = document.hidden ? [] : await look();
  if (all.length) draw(all);
  setTimeout(begin, all.some(({ status }) => status === "unknown") ? LOOK_SOON_MS : LOOK_MS);
}

async function look() {
  const [phone, bridge] = await Promise.all([checks("/phone/health"), checks("/health")]);
  const told = { "/phone/health": phone, "/health": bridge };
  // Of what lies behind a voice server that is away nothing is known; the bridge says that it is.
  return CHECKS.map((one) => ({ ...one, ...(told[one.path][one.check] ?? { status: "unknown", detail: "" }) }));
}

async function checks(path) {
  try {
    return (await ask("GET", path, { also: [503] })).checks ?? {};
  } catch {
    return {};
  }
}

function draw(all) {
  const shown = all.filter(({ always, status }) => always || status === "failed");
  const keyOf = ({ name, status, detail }) => `${name} ${status} ${detail}`;
  list(byId("health").querySelector("ul"), shown, keyOf, (one) => {
    const item = make("li", one.status, make("b", "", one.name), " ", WORDS[one.status](one));
    item.title = one.detail;
    return item;
  });
}
