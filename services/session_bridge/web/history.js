/** Before: the calls there were, the newest first; one that is opened shows all that is known of it. */

import { ask, fate, writeAgain } from "./api.js";
import { other, recall } from "./call.js";
import { drawCard, makeCard } from "./card.js";
import { timeline } from "./charts.js";
import { byId, date, fromTemplate, list, make, tell } from "./dom.js";
import { figures, recording } from "./figures.js";
import { STATUS, WAY, duration, moment, person } from "./words.js";

const PAGE = 50;
const TYPING_MS = 250;
const RUNNING = new Set(["queued", "ringing", "in-progress"]);

const before = byId("before");
const older = byId("older");
const filters = before.querySelector("form");

let calls = [];
let cursor = null;
let asked = 0;
let answered = 0;

/** Begin: show the newest calls, and others when the filters are changed. */
export function begin() {
  let typing;
  const changed = (ms) => {
    clearTimeout(typing);
    typing = setTimeout(() => load({ fresh: true }), ms);
  };
  // A number is looked for when it is complete, a text as it is typed.
  filters.addEventListener("input", ({ target }) => target.name !== "number" && changed(TYPING_MS));
  filters.addEventListener("change", () => changed(0));
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    changed(0);
  });
  older.addEventListener("click", () => load({ from: cursor }));
  load({ fresh: true });
}

/** Show the calls that have been added since, unless something is being looked for just now. */
export function renew() {
  if (asked === answered) load({});
}

/** Load a page: a fresh one, an older one, or the newest once more. Of several asked for, the last is shown. */
async function load({ fresh = false, from = null }) {
  const turn = ++asked;
  const query = new URLSearchParams({ limit: PAGE });
  for (const [name, value] of new FormData(filters)) {
    if (value.trim()) query.set(name, value.trim());
  }
  if (from) query.set("cursor", from);
  let fault = "";
  try {
    const page = await ask("GET", `/phone/history?${query}`);
    if (turn === asked) take(page, fresh, from);
  } catch (error) {
    fault = error.message;
  }
  if (turn !== asked) return;
  answered = turn;
  tell(before, ".refusal", fault);
}

function take(page, fresh, from) {
  const known = new Set(calls.map((call) => call.call_id));
  const ended = page.calls.filter((call) => !RUNNING.has(call.status));
  const added = ended.filter((call) => !known.has(call.call_id));
  // Where nothing of the newest page is known, there may be more between it and what is shown.
  const anew = fresh || (!from && added.length === ended.length);
  if (anew || from) cursor = page.next_cursor;
  calls = anew ? ended : [...calls, ...added].sort((one, other) => (one.started_at < other.started_at ? 1 : -1));
  draw();
}

function draw() {
  list(byId("history"), calls, (call) => call.call_id, makeRow);
  older.hidden = cursor === null;
  const filtered = [...new FormData(filters).values()].some((value) => value.trim());
  tell(before, ".none", calls.length ? "" : filtered ? "No call is like that." : "There has been no call yet.");
  const people = new Set(calls.map(other).filter((number) => number !== "anonymous"));
  list(byId("people"), [...people], (number) => number, (number) => make("option", "", number));
}

function makeRow(call) {
  const row = fromTemplate("an-earlier-call");
  row.dataset.call = call.call_id;
  date(row.querySelector("time"), Date.parse(call.started_at), moment(call.started_at));
  tell(row, ".way", WAY[call.direction]);
  tell(row, ".who", person(other(call)));
  tell(row, ".status", STATUS[call.status]);
  row.classList.toggle("missed", call.status !== "completed");
  tell(row, ".long", call.duration_seconds ? duration(call.duration_seconds) : "");
  const details = row.querySelector("details");
  details.addEventListener("toggle", () => (details.open ? open(details, call.call_id) : close(details)));
  return row;
}

async function open(details, id) {
  close(details);
  const waiting = make("p", "hint", "Loading …");
  details.append(waiting);
  try {
    const path = `/phone/history/${encodeURIComponent(id)}`;
    const [told, said, kept] = await Promise.all([ask("GET", path), ask("GET", `${path}/transcript`), fate(id)]);
    if (!details.open) return;
    const call = { ...recall(told, said.transcript), kept };
    const card = makeCard(id, { writeAgain: () => writeAgain(id).finally(() => open(details, id)) });
    drawCard(card, call);
    card.querySelector(".timeline").append(timeline(call), ...recording(id, told.recording));
    card.querySelector(".figures").append(...figures(call, told, said.transcript));
    waiting.replaceWith(card);
  } catch (error) {
    waiting.className = "refusal";
    waiting.textContent = error.message;
  }
}

function close(details) {
  while (details.children.length > 1) details.lastElementChild.remove();
}
