/** Now: the calls that run, as they go, and those that have ended meanwhile, until they are put away. */

import { ask, fate, writeAgain } from "./api.js";
import { learn, placed, receive } from "./call.js";
import { drawCard, drawTime, makeCard } from "./card.js";
import { byId, list, tell } from "./dom.js";
import { calls as callsOf } from "./words.js";

const CHECK_MS = 5000;
const CHECK_SELDOM_MS = 60_000;

const calls = new Map();
const over = new EventTarget();
let drawing = false;

/** Do something whenever a call has ended. */
export const onEnd = (act) => over.addEventListener("end", act);

/** Take an event of the stream. */
export function take(frame) {
  const event = JSON.parse(frame.data);
  put(receive(calls.get(event.callId), frame.event, event));
  if (frame.event === "call_started" || frame.event === "call_ended") check(event.callId).catch(() => {});
  if (frame.event === "call_ended") over.dispatchEvent(new Event("end"));
}

/** Show a call that has just been ordered; its events follow. */
export function order(id, number, at) {
  if (!calls.has(id)) put(placed(id, number, at));
}

/** Begin: clocks run, and what events do not tell (cost so far, what keeps a call out of OpenClaw) is asked for. */
export function begin() {
  draw();
  setInterval(tick, 1000);
  checkAll(CHECK_MS);
}

function put(call) {
  if (!call) return;
  calls.set(call.id, call);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

function draw() {
  drawing = false;
  const newestFirst = [...calls.values()].sort((one, other) => other.startedAt - one.startedAt);
  list(byId("now").querySelector(".calls"), newestFirst, (call) => call.id, cardOf, drawCard);
  const running = newestFirst.filter((call) => !call.ended).length;
  tell(byId("now"), ".count", running ? `${callsOf(running)} on the line.` : "Nobody is on the line.");
  document.title = running ? `${callsOf(running)} - Phone` : "Phone";
}

function cardOf({ id }) {
  return makeCard(id, {
    hangUp: () => ask("DELETE", `/phone/call/${id}`),
    putAway: () => {
      calls.delete(id);
      draw();
      byId("now-title").focus();
    },
    writeAgain: () => writeAgain(id).finally(() => check(id)),
  });
}

function tick() {
  for (const card of byId("now").querySelectorAll("article")) {
    const call = calls.get(card.dataset.call);
    if (call && !call.ended) drawTime(card, call);
  }
}

async function check(id) {
  const [details, kept] = await Promise.all([ask("GET", `/phone/history/${encodeURIComponent(id)}`), fate(id)]);
  const call = calls.get(id);
  if (call) put({ ...learn(call, details), kept: call.kept?.state === "synced" ? call.kept : kept });
}

async function checkAll(pauseMs) {
  const unsettled = [...calls.values()].filter((call) => call.kept?.state !== "synced");
  let next = CHECK_MS;
  if (!document.hidden) {
    // The voice server may be away, or want us to wait: it is not to be asked ever more.
    await Promise.all(unsettled.map(({ id }) => check(id))).catch(() => {
      next = Math.min(2 * pauseMs, CHECK_SELDOM_MS);
    });
  }
  setTimeout(checkAll, next, next);
}
