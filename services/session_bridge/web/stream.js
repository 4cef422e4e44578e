/**
 * Server-sent events that know when they are not live.
 *
 * An EventSource tells nothing of the comments that show that the line still holds, nor why it was refused; so
 * the stream is read by `fetch`, which sends `Last-Event-ID` as an EventSource would.
 */

import { Refusal, answered } from "./api.js";

/** The bridge sends something every 15 seconds. */
const QUIET_MS = 40_000;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000];

/** Take the complete frames off the front of a text; the frames, and what is left. */
export function parse(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop();
  return [blocks.map(frame).filter((found) => found.data !== undefined), rest];
}

/**
 * Follow a stream for ever: each event is taken once and in order, over lost networks and restarts.
 *
 * @param {string} path
 * @param {(frame: {id?: string, event: string, data: string}) => void} take
 * @param {(fault: string | null) => void} tell null when it is live, else why it is not
 */
export async function follow(path, take, tell) {
  const at = { last: null, failures: 0 };
  for (;;) {
    try {
      await read(path, at, take, tell);
      tell("the bridge has ended the stream");
    } catch (error) {
      tell(error.message);
    }
    await pause(PAUSES_MS[Math.min(at.failures++, PAUSES_MS.length - 1)]);
  }
}

async function read(path, at, take, tell) {
  const line = watched();
  try {
    const headers = at.last === null ? {} : { "Last-Event-ID": at.last };
    const answer = await answered(path, { headers, signal: line.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    tell(null);
    at.failures = 0;
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      line.heard();
      const [frames, left] = parse(rest + value);
      rest = left;
      for (const found of frames) {
        at.last = found.id ?? at.last;
        take(found);
      }
    }
  } catch (error) {
    if (line.signal.aborted) throw new Refusal(0, line.signal.reason);
    throw error instanceof Refusal ? error : new Refusal(0, "the connection to the bridge broke");
  } finally {
    line.end();
  }
}

/** Watch a line: it is given up when nothing is heard for long, or the network is known to be gone. */
function watched() {
  const line = new AbortController();
  let heardAt = Date.now();
  const offline = () => line.abort("this device is offline");
  // By the clock of the day: the others stand still while the device sleeps.
  const watch = setInterval(() => {
    if (Date.now() - heardAt > QUIET_MS) line.abort("nothing is heard from the bridge");
  }, 1000);
  addEventListener("offline", offline);
  return {
    signal: line.signal,
    heard: () => {
      heardAt = Date.now();
    },
    end: () => {
      clearInterval(watch);
      removeEventListener("offline", offline);
      line.abort("the stream has ended");
    },
  };
}

/** Wait, but no longer than until the network is back or somebody looks. */
function pause(ms) {
  return new Promise((resume) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      document.removeEventListener("visibilitychange", done);
      resume();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    document.addEventListener("visibilitychange", done);
  });
}

function frame(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return fields;
}
