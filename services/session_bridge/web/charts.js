/** Two small pictures: the calls and the cost of each day, and what happened when within a call. */

import { make } from "./dom.js";
import { calls, day, duration, money, seconds } from "./words.js";

const HEIGHT = 28;
const LANES = { user: 4, assistant: 14, tool: 24 };

/** Draw the calls and the cost of days, as `/phone/days` tells them, and say them in words and in a table. */
export function daysChart(days) {
  const sum = (name) => days.reduce((total, one) => total + (one[name] ?? 0), 0);
  const words = `${calls(sum("calls"))} in ${days.length} days, ${duration(sum("seconds"))} talked, ${money(sum("cost_usd"))}`;
  const rows = days.filter((one) => one.calls > 0).reverse();
  return make(
    "figure",
    "chart",
    make("figcaption", "", words),
    bars("calls", days, (one) => one.calls, (most) => calls(most)),
    bars("cost", days, (one) => one.cost_usd ?? 0, (most) => money(most)),
    make("p", "scale", make("span", "", day(days[0].date)), make("span", "", "today")),
    table(rows),
  );
}

function bars(name, days, valueOf, wordsOf) {
  const most = Math.max(...days.map(valueOf));
  const picture = svg("svg", { viewBox: `0 0 ${days.length} ${HEIGHT}`, preserveAspectRatio: "none", class: name });
  picture.ariaHidden = "true"; // the caption and the table say it
  days.forEach((one, index) => {
    const height = most ? (valueOf(one) / most) * (HEIGHT - 1) : 0;
    const bar = svg("rect", { x: index + 0.1, width: 0.8, y: HEIGHT - Math.max(height, 0.4), height: Math.max(height, 0.4) });
    bar.append(titled(`${day(one.date)}: ${calls(one.calls)}, ${duration(one.seconds)}, ${money(one.cost_usd)}`));
    picture.append(bar);
  });
  return make("div", "bars", make("span", "most", most ? `at most ${wordsOf(most)} a day` : ""), picture);
}

function table(days) {
  const cells = (tag, texts) => make("tr", "", ...texts.map((text) => make(tag, "", text)));
  const body = days.map((one) =>
    cells("td", [day(one.date), String(one.calls), duration(one.seconds), money(one.cost_usd)]),
  );
  return make(
    "details",
    "",
    make("summary", "", "As a table"),
    make("table", "", make("thead", "", cells("th", ["Day", "Calls", "Talked", "Cost"])), make("tbody", "", ...body)),
  );
}

/** Draw a call from its beginning to its end: who had spoken when, and how long each tool took. */
export function timeline(call) {
  const from = call.startedAt;
  const until = Math.max(call.ended?.at ?? 0, ...call.turns.map((turn) => turn.at), from + 1000);
  const x = (at) => ((at - from) / (until - from)) * 600;
  const picture = svg("svg", { viewBox: "0 0 600 32", preserveAspectRatio: "none", role: "img" });
  for (const turn of call.turns) {
    const mark = svg("rect", { x: x(turn.at) - 2, width: 4, y: LANES[turn.speaker] - 4, height: 8, class: turn.speaker });
    mark.append(titled(`${duration((turn.at - from) / 1000)} ${turn.text}`));
    picture.append(mark);
  }
  const told = call.tools.map((tool) => {
    const took = tool.seconds === null ? "unanswered" : seconds(tool.seconds);
    const end = tool.seconds === null ? until : tool.at + tool.seconds * 1000;
    const width = Math.max(4, x(Math.min(end, until)) - x(tool.at));
    const bar = svg("rect", { x: x(tool.at), width, y: LANES.tool - 4, height: 8, class: tool.ok ? "tool" : "tool failed" });
    bar.append(titled(`${tool.name}: ${took}`));
    picture.append(bar);
    return `${tool.name} at ${duration((tool.at - from) / 1000)}, ${took}`;
  });
  picture.ariaLabel = `Timeline of ${duration((until - from) / 1000)}${told.length ? `: ${told.join("; ")}` : ""}`;
  return make("figure", "", picture, make("figcaption", "", legend(call)));
}

function legend(call) {
  const names = [["user", "caller"], ["assistant", "assistant"], ...(call.tools.length ? [["tool", "tools"]] : [])];
  return make("span", "legend", ...names.map(([name, words]) => make("span", name, words)));
}

function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function titled(text) {
  const title = svg("title", {});
  title.textContent = text;
  return title;
}
