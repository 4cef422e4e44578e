/** What the bridge is asked. The browser shows its sign-in by itself; no key is ever here. */

/** The bridge has not done what it was asked; `message` says why, in its own words. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const server = { aheadMs: 0 };

/** Tell the time as the bridge has it, whatever this device's clock says. */
export const now = () => Date.now() + server.aheadMs;

/**
 * Ask for something; its JSON, or null.
 *
 * @throws {Refusal} the bridge is away (status 0) or refuses; `also` names further statuses that are answers.
 */
export async function ask(method, path, { body, headers, also = [] } = {}) {
  const given = body === undefined ? headers : { "Content-Type": "application/json", ...headers };
  const answer = await answered(path, { method, headers: given, body: body && JSON.stringify(body) }, also);
  return answer.status === 204 ? null : answer.json();
}

/** Have a call written into OpenClaw now. Throws a `Refusal` that says why it cannot be. */
export async function writeAgain(callId) {
  const told = await ask("POST", "/sync-transcript", { body: { callId } });
  if (!told.success) throw new Error(told.reason);
}

/** Ask what has become of a call in OpenClaw. */
export async function fate(callId) {
  const { sessions } = await ask("GET", `/sessions?callId=${encodeURIComponent(callId)}`);
  const [found] = sessions;
  return found
    ? { state: found.state, sessionKey: found.sessionKey, error: found.lastError }
    : { state: "none", sessionKey: null, error: null };
}

/** Send a request; its response, if that is what was hoped for. Throws as `ask` does. */
export async function answered(path, options, also = []) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0, "the bridge does not answer");
  }
  const ahead = Date.parse(answer.headers.get("Date")) + 500 - now(); // it shows whole seconds
  if (Math.abs(ahead) > 1000) server.aheadMs += ahead;
  if (answer.ok || also.includes(answer.status)) return answer;
  const problem = await answer.json().catch(() => null);
  const refusal = new Refusal(answer.status, problem?.detail ?? `the bridge answers ${answer.status}`);
  // Somebody else's sign-in, another key: nothing may stay on the screen.
  if (answer.status === 401 && path !== "/sign-in") location.reload();
  throw refusal;
}
