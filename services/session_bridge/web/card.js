/** A call as it is seen: who, how long, what it costs, what is said, what the agent does, what has become of it. */

import { now } from "./api.js";
import { entries, talked } from "./call.js";
import { date, fromTemplate, list, show, tell } from "./dom.js";
import { END, STATUS, WAY, duration, money, person, request, seconds, speaker, time } from "./words.js";

/** Within so many pixels of the end, a reader follows what is being said. */
const NEAR = 40;

/**
 * Make the element of a call.
 *
 * @param {string} id
 * @param {{hangUp?: () => Promise, putAway?: () => void, writeAgain: () => Promise}} actions
 */
export function makeCard(id, actions) {
  const card = fromTemplate("a-call");
  card.dataset.call = id;
  const title = card.querySelector(".who");
  title.id = `who-${id}-${actions.hangUp ? "now" : "before"}`;
  card.setAttribute("aria-labelledby", title.id);
  // Only what is being said is read out by itself.
  card.querySelector(".said").role = actions.hangUp ? "log" : "region";
  button(card, ".hang-up", actions.hangUp);
  button(card, ".put-away", actions.putAway);
  button(card, ".again", actions.writeAgain);
  return card;
}

/** Show a call in its element as it is now. */
export function drawCard(card, call) {
  tell(card, ".who", person(call.number));
  tell(card, ".way", WAY[call.direction]);
  tell(card, ".status", status(call));
  drawTime(card, call);
  tell(card, ".cost", cost(call));
  card.classList.toggle("running", !call.ended);
  show(card, ".hang-up", !call.ended);
  show(card, ".put-away", call.ended);
  tell(card, ".kept span", kept(call));
  show(card, ".kept", call.ended);
  show(card, ".again", call.kept?.state === "failed");
  drawTranscript(card, call);
}

/** Show how long a call and the tools in it have been running. */
export function drawTime(card, call) {
  tell(card, ".long", call.answeredAt === null ? "" : duration(talked(call, now())));
  for (const tool of call.tools) {
    const item = tool.ok === null && card.querySelector(`[data-tool="${CSS.escape(tool.id)}"]`);
    if (item) drawTook(item, tool, call);
  }
}

function drawTranscript(card, call) {
  const said = card.querySelector(".said");
  const follows = said.scrollHeight - said.scrollTop - said.clientHeight < NEAR;
  const keyOf = (entry) => (entry.growing ? `growing ${entry.id}` : entry.id);
  const create = (entry) => (entry.speaker ? makeTurn(entry) : makeTool(entry));
  const fill = (item, entry) => (entry.speaker ? drawTurn(item, entry, call) : drawTool(item, entry, call));
  list(said.firstElementChild, entries(call), keyOf, create, fill);
  said.hidden = said.firstElementChild.childElementCount === 0;
  if (follows && !call.ended) said.scrollTop = said.scrollHeight;
}

function makeTurn(turn) {
  const item = fromTemplate("a-turn");
  item.dataset.item = turn.id;
  item.classList.add(turn.speaker === "user" ? "caller" : "assistant");
  item.classList.toggle("growing", turn.growing);
  // A screen reader is told a turn when it is finished, not at each of its words.
  if (turn.growing) item.ariaHidden = "true";
  return item;
}

function drawTurn(item, turn, call) {
  tell(item, "b", speaker(call, turn.speaker));
  date(item.querySelector("time"), turn.at, turn.growing ? "" : time(turn.at));
  item.classList.toggle("interrupted", turn.interrupted);
  item.querySelector("i").hidden = !turn.interrupted;
  tell(item, ".words", turn.text);
}

function makeTool(tool) {
  const item = fromTemplate("a-tool-call");
  item.dataset.tool = tool.id;
  return item;
}

function drawTool(item, tool, call) {
  tell(item, "b", tool.name);
  date(item.querySelector("time"), tool.at, time(tool.at));
  tell(item, ".request", request(tool.arguments));
  tell(item, ".words", tool.output ?? "");
  drawTook(item, tool, call);
}

function drawTook(item, tool, call) {
  item.classList.toggle("runs", tool.ok === null && !call.ended);
  item.classList.toggle("failed", tool.ok === false);
  tell(item, ".took", took(tool, call));
}

function took(tool, call) {
  if (tool.ok !== null) return tool.ok ? seconds(tool.seconds) : `failed after ${seconds(tool.seconds)}`;
  return call.ended ? "no answer before the end" : `running, ${seconds((now() - tool.at) / 1000)}`;
}

function status(call) {
  const reason = call.ended && END[call.ended.reason];
  return reason && call.status === "completed" ? `${STATUS[call.status]}: ${reason}` : STATUS[call.status];
}

function cost(call) {
  if (!call.usage) return "";
  return call.ended ? money(call.cost) + (call.usageComplete ? "" : " or more") : `${money(call.cost)} so far`;
}

function kept({ kept: fate, turns }) {
  switch (fate?.state) {
    case "synced":
      return turns.length === 0 ? "Nothing was said; there is nothing to keep." : `In OpenClaw, in ${fate.sessionKey}.`;
    case "none":
      return "Not in OpenClaw: nothing of this call has come to the bridge.";
    case "failed":
      return `Not in OpenClaw yet: ${fate.error}`;
    default:
      return `Being written into OpenClaw …${fate?.error ? ` ${fate.error}` : ""}`;
  }
}

function button(card, selector, action) {
  const element = card.querySelector(selector);
  if (!action) return element.remove();
  element.addEventListener("click", async () => {
    element.disabled = true;
    tell(card, ".refusal", "");
    try {
      await action();
    } catch (error) {
      tell(card, ".refusal", error.message);
    }
    element.disabled = false;
  });
}
