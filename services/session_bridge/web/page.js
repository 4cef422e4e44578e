/** The page: signs in, follows the calls live, places and ends them. */

import { ask, now } from "./api.js";
import { daysChart } from "./charts.js";
import { byId, tell } from "./dom.js";
import * as health from "./health.js";
import * as history from "./history.js";
import * as live from "./now.js";
import { follow } from "./stream.js";
import { time } from "./words.js";

const EVENTS = "/events?partials=1&running=1";
const DAYS = 30;
const RENEW_MS = 60_000;

/** Do with a form what is to be done, once at a time; a refusal is shown in its own words. */
function onSubmit(form, act) {
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    tell(form, ".refusal", "");
    try {
      await act(new FormData(form));
    } catch (error) {
      tell(form, ".refusal", error.message);
    }
    button.disabled = false;
  });
}

async function signIn(given) {
  await ask("POST", "/sign-in", { body: { key: given.get("key") } });
  location.reload();
}

async function signOut() {
  await ask("DELETE", "/sign-in");
  location.reload();
}

/** Place calls. What was asked for and not clearly answered is asked for under the same name: nobody is called twice. */
function orders(form) {
  let name = null;
  form.addEventListener("input", () => {
    name = null;
  });
  return async (given) => {
    const [to, message] = [given.get("to").trim(), given.get("message").trim()];
    name ??= Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const headers = { "Idempotency-Key": name };
    const { call_id: id } = await ask("POST", "/phone/call", { body: message ? { to, message } : { to }, headers });
    name = null;
    live.order(id, to, now());
    form.reset();
  };
}

/** Say whether what is shown is live, and since when it is not. */
function showLine(fault) {
  const line = byId("line");
  const was = line.classList.contains("live");
  line.classList.toggle("live", fault === null);
  if (fault === null) line.textContent = "Live";
  else if (was || !line.textContent.includes(fault)) line.textContent = `Not live since ${time(now())}: ${fault}.`;
  if (fault === null && !was) renew();
}

/** Look again for what no event tells: who was turned away, what was missed. */
function renew() {
  history.renew();
  showDays().catch((error) => byId("days").replaceChildren(error.message));
}

async function showDays() {
  const query = new URLSearchParams({ days: DAYS, utc_offset_minutes: -new Date().getTimezoneOffset() });
  const { days } = await ask("GET", `/phone/days?${query}`);
  byId("days").replaceChildren(daysChart(days));
}

async function begin() {
  const { required, signed_in: signedIn } = await ask("GET", "/sign-in");
  byId("sign-out").hidden = !signedIn;
  byId("sign-out").addEventListener("click", signOut);
  onSubmit(byId("sign-in"), signIn);
  if (required && !signedIn) {
    byId("sign-in").hidden = false;
    byId("line").hidden = true;
    byId("sign-in").elements.key.focus();
    return;
  }
  document.querySelector("main").hidden = false;
  const form = byId("call").querySelector("form");
  onSubmit(form, orders(form));
  live.onEnd(renew);
  live.begin();
  history.begin();
  health.begin();
  setInterval(() => document.hidden || renew(), RENEW_MS);
  follow(EVENTS, live.take, showLine);
}

begin().catch((error) => showLine(error.message));
