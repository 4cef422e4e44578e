/** What a call came to: times, tokens, cost, its recording, and the call to take away as text or JSON. */

import { entries } from "./call.js";
import { make } from "./dom.js";
import { asText, count, money, moment } from "./words.js";

const TOKENS = {
  input_audio_tokens: "audio in",
  cached_audio_tokens: "of it cached",
  output_audio_tokens: "audio out",
  input_text_tokens: "text in",
  cached_text_tokens: "of it cached",
  output_text_tokens: "text out",
};

const RECORDING = {
  pending: "The recording is being fetched from Twilio …",
  failed: "The recording could not be fetched from Twilio; the voice server's log says why.",
};

/** Make the elements below an opened call; `details` and `transcript` are as the voice server told them. */
export function figures(call, details, transcript) {
  const tokens = Object.entries(TOKENS).map(([name, words]) => `${count(call.usage[name])} ${words}`);
  const facts = {
    Began: moment(call.startedAt),
    Cost: call.usageComplete ? money(call.cost) : `${money(call.cost)}; OpenAI may have charged for more`,
    Tokens: tokens.join(", "),
    Transcribed: `${count(Math.round(call.usage.transcription_seconds))} s`,
    Call: call.id,
    ...(Object.keys(details.metadata).length ? { Metadata: JSON.stringify(details.metadata) } : {}),
  };
  const terms = Object.entries(facts).flatMap(([term, value]) => [make("dt", "", term), make("dd", "", value)]);
  const everything = () => JSON.stringify({ ...details, transcript }, null, 2);
  return [
    make("dl", "", ...terms),
    make(
      "p",
      "downloads",
      "Download as ",
      download("Text", `${call.id}.txt`, "text/plain", () => asText(call, entries(call))),
      " ",
      download("JSON", `${call.id}.json`, "application/json", everything),
    ),
  ];
}

/** Make what plays a call's recording, or says that it is not to be had; nothing where none was made. */
export function recording(id, told) {
  if (!told) return [];
  if (told.state !== "ready") return [make("p", "hint", RECORDING[told.state])];
  const player = document.createElement("audio");
  player.controls = true;
  player.preload = "none"; // an opened call is read more often than it is listened to
  player.src = `/phone/history/${encodeURIComponent(id)}/recording`;
  player.setAttribute("aria-label", "Recording");
  return [player];
}

function download(label, name, type, content) {
  const button = make("button", "", label);
  button.type = "button";
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content()], { type: `${type};charset=utf-8` }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  return button;
}
