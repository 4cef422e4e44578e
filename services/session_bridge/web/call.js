/**
 * A call as the page knows it, folded from its events or from the history. Pure.
 *
 * Call: {id, number, direction, agent, status, startedAt, answeredAt, ended: null | {at, reason, seconds},
 *   cost, usage, usageComplete, turns: [Turn], tools: [ToolCall], kept: null | Kept,
 *   sequence: of the last event that was folded in}
 * Turn: {id, speaker: "user" | "assistant", text, at, interrupted, growing}; growing ones come last.
 * ToolCall: {id, name, arguments, at, ok, output, seconds}; ok, output and seconds are null while it runs.
 * Kept, what has become of it in OpenClaw: {state, sessionKey, error}; the bridge's states, and "none".
 * Moments are milliseconds since 1970.
 */

/** A call that has been ordered, before anything is heard of it. */
export function placed(id, number, at) {
  return {
    id,
    number,
    direction: "outbound",
    agent: null,
    status: "queued",
    startedAt: at,
    answeredAt: null,
    ended: null,
    cost: null,
    usage: null,
    usageComplete: true,
    turns: [],
    tools: [],
    kept: null,
    sequence: 0,
  };
}

/**
 * Fold an event in, once; null for a call of which nothing is known, unless it begins with this event.
 *
 * @param {string} type the event's type: `session_synced` does not bear its own.
 */
export function receive(call, type, event) {
  if (!call && type !== "call_started") return null;
  const at = Date.parse(event.timestamp);
  const known = call ?? placed(event.callId, event.phoneNumber, at);
  if (event.sequence <= known.sequence) return known;
  return { ...(TAKES[type]?.(known, event, at) ?? known), sequence: event.sequence ?? known.sequence };
}

/** Take over what the voice server tells of a call; what events have told already stays. */
export function learn(call, details) {
  const over = details.ended_at !== null && !call.ended;
  return {
    ...call,
    agent: details.agent,
    status: call.ended ? call.status : details.status,
    answeredAt: call.answeredAt ?? moment(details.answered_at),
    ended: over
      ? { at: moment(details.ended_at), reason: details.end_reason, seconds: details.duration_seconds }
      : call.ended,
    cost: details.cost_usd,
    usage: details.usage,
    usageComplete: details.usage_complete,
  };
}

/** Make a call of the history: its details and its transcript as the voice server tells them. */
export function recall(details, transcript) {
  const call = placed(details.call_id, other(details), moment(details.started_at));
  return {
    ...learn(call, details),
    direction: details.direction,
    turns: transcript.map((turn) => ({
      id: turn.item_id,
      speaker: turn.speaker,
      text: turn.content,
      at: moment(turn.timestamp),
      interrupted: turn.interrupted,
      growing: false,
    })),
    tools: details.tool_calls.map((tool) => ({
      id: tool.tool_call_id,
      name: tool.name,
      arguments: tool.arguments,
      at: moment(tool.started_at),
      ok: tool.ok,
      output: tool.output,
      seconds: tool.duration_seconds,
    })),
  };
}

/** Tell who was called, or has called. */
export const other = (call) => (call.direction === "inbound" ? call.from : call.to);

/** Tell how many seconds a call has been talked, counted from when somebody picked up. */
export function talked(call, now) {
  if (call.ended) return call.ended.seconds;
  return call.answeredAt === null ? 0 : (now - call.answeredAt) / 1000;
}

/** Put the tool calls between the turns: a turn is dated by its end, a tool call by its beginning. */
export function entries(call) {
  const merged = [];
  let next = 0;
  for (const turn of call.turns) {
    while (next < call.tools.length && (turn.growing || call.tools[next].at < turn.at)) {
      merged.push(call.tools[next++]);
    }
    merged.push(turn);
  }
  return [...merged, ...call.tools.slice(next)];
}

const TAKES = {
  call_started: (call, { direction }, at) => ({
    ...call,
    direction,
    startedAt: at,
    status: call.ended ? call.status : "ringing",
  }),
  call_answered: (call, _, at) => ({ ...call, answeredAt: at, status: "in-progress" }),
  // It comes on another way than what is kept, and may be overtaken by the end.
  transcript_partial: (call, { data }, at) =>
    call.ended ? call : { ...call, turns: grown(call.turns, turnOf(data, at)) },
  transcript_update: (call, { data }, at) => ({
    ...call,
    turns: inserted(call.turns, turnOf(data, at), data.previousItemId),
  }),
  tool_started: (call, { data }, at) => ({ ...call, tools: [...call.tools, toolOf(data, at)] }),
  tool_finished: (call, { data }) => ({
    ...call,
    tools: call.tools.map((tool) =>
      tool.id === data.toolCallId ? { ...tool, ok: data.ok, output: data.output, seconds: data.durationSeconds } : tool,
    ),
  }),
  call_ended: (call, { data }, at) => ({
    ...call,
    status: data.status,
    ended: { at, reason: data.endReason, seconds: data.durationSeconds },
    cost: data.costUsd,
    usage: data.usage,
    turns: call.turns.filter((turn) => !turn.growing),
  }),
  session_synced: (call, { sessionKey }) => ({ ...call, kept: { state: "synced", sessionKey, error: null } }),
};

function turnOf(data, at) {
  const { itemId, speaker, content, interrupted } = data;
  return { id: itemId, speaker, text: content, at, interrupted, growing: false };
}

function toolOf({ toolCallId, name, arguments: text }, at) {
  return { id: toolCallId, name, arguments: text, at, ok: null, output: null, seconds: null };
}

/** A growing turn is shown behind all others; what comes of one that is finished already is old. */
function grown(turns, turn) {
  const place = turns.findIndex((known) => known.id === turn.id);
  if (place < 0) return [...turns, { ...turn, growing: true }];
  return turns[place].growing ? turns.with(place, { ...turn, growing: true }) : turns;
}

/** A turn goes behind the one it names, at the beginning if that is `root`, else behind all that are finished. */
function inserted(turns, turn, previous) {
  const others = turns.filter((known) => known.id !== turn.id);
  const finished = others.findLastIndex((known) => !known.growing) + 1;
  const named = others.findIndex((known) => known.id === previous && !known.growing) + 1;
  return others.toSpliced(previous === "root" ? 0 : named || finished, 0, turn);
}

const moment = (text) => (text === null ? null : Date.parse(text));
