/** How things are called before people: numbers, statuses, times, money. Pure. */

export const STATUS = {
  queued: "Dialling",
  ringing: "Ringing",
  "in-progress": "Talking",
  completed: "Completed",
  busy: "Busy",
  "no-answer": "No answer",
  failed: "Failed",
  canceled: "Canceled",
  rejected: "Turned away",
};

export const END = {
  caller_hung_up: "the person hung up",
  assistant_hung_up: "the assistant hung up",
  hung_up_by_request: "hung up from here",
  not_reached: "not reached",
  max_duration: "the time limit was reached",
  silence: "nobody spoke any more",
  connection_failed: "the connection failed",
  server_stopped: "the voice server was stopped",
  rejected: "not let in",
};

export const WAY = { inbound: "Incoming", outbound: "Outgoing" };

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const COUNT = new Intl.NumberFormat();

/** Name the other person of a call. */
export const person = (number) => (number === "anonymous" ? "Number withheld" : number);

/** Show milliseconds since 1970 as the time of day. */
export const time = (at) => TIME.format(at);

/** Show when something was, as far as it is not obvious now. */
export function moment(at, now = Date.now()) {
  const [then, today] = [new Date(at), new Date(now)];
  if (then.toDateString() === today.toDateString()) return MINUTE.format(then);
  return then.getFullYear() === today.getFullYear()
    ? `${DAY.format(then)}, ${MINUTE.format(then)}`
    : `${DAY_OF_YEAR.format(then)}, ${MINUTE.format(then)}`;
}

/** Show a day given as `2026-11-24`. */
export const day = (date) => DAY.format(new Date(`${date}T12:00`));

/** Show seconds as `1:05`, or as `1:00:05` from an hour on. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(whole % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** Show how long a tool took. */
export const seconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

/** Show US dollars; null means that nobody knows. */
export function money(usd) {
  if (usd === null || usd === undefined) return "cost unknown";
  return `$${usd.toFixed(usd > 0 && usd < 0.1 ? 3 : 2)}`;
}

export const count = (value) => COUNT.format(value);
export const calls = (value) => `${count(value)} ${value === 1 ? "call" : "calls"}`;

/** Read what a tool was asked, which the model wrote as JSON: its only text, or all of it. */
export function request(text) {
  try {
    const values = Object.values(JSON.parse(text));
    return values.length === 1 && typeof values[0] === "string" ? values[0] : text;
  } catch {
    return text;
  }
}

/** Write a call as plain text, to be kept or sent on. */
export function asText(call, entries) {
  const lines = [
    `${WAY[call.direction]} call, ${person(call.number)}`,
    `${new Date(call.startedAt).toISOString()}, ${STATUS[call.status]}`
      + (call.ended ? `, ${duration(call.ended.seconds)}, ${END[call.ended.reason] ?? "ended"}` : ""),
    "",
  ];
  for (const entry of entries) lines.push(`[${time(entry.at)}] ${line(call, entry)}`);
  return `${lines.join("\n")}\n`;
}

function line(call, entry) {
  if (entry.speaker) {
    return `${speaker(call, entry.speaker)}: ${entry.text}${entry.interrupted ? " (interrupted)" : ""}`;
  }
  const took = entry.seconds === null ? "" : ` (${seconds(entry.seconds)}${entry.ok ? "" : ", failed"})`;
  return `${entry.name}: ${request(entry.arguments)}${took}${entry.output ? `\n    ${entry.output}` : ""}`;
}

/** Name who speaks: the caller is the other person, whoever dialled. */
export const speaker = (call, who) => (who === "user" ? "Caller" : (call.agent ?? "Assistant"));
