// OpenClaw's own answer to the question whether a conversation goes on.
// Arguments: a release's dist folder, a `sessions.json`. Standard input: a list of {session, key, entry, now};
// output: the list of answers.
import { readFileSync } from "node:fs";
import { found } from "./own_functions.mjs";

const storePath = process.argv[3];
const cases = JSON.parse(readFileSync(0, "utf8")); // ahead of the imports: they may unblock the input
const evaluate = await found("evaluateSessionFreshness");
const policyOf = await found("resolveSessionResetPolicy");
const typeOf = await found("resolveSessionResetType");
const ofChannel = await found("resolveChannelResetConfig");
const lifecycle = await found("resolveSessionLifecycleTimestamps"); // from the release on that has sessionStartedAt
const isNewer = await found("hasTerminalMainSessionTranscriptNewerThanRegistrySync"); // as above
const isElsewhere = await found("hasProviderOwnedSession"); // as above

const answers = cases.map(({ session, key, entry, now }) => {
  const policy = policyOf({
    sessionCfg: session,
    // Only a gateway has Telegram's plugin, which tells a topic by its key; a turn in one has its number, too.
    resetType: typeOf({ sessionKey: key, isThread: key.includes(":topic:") }),
    // As its `agent` method has it; for an entry without a channel, that of a turn typed where its key belongs.
    resetOverride: ofChannel({
      sessionCfg: session,
      channel: entry.lastChannel ?? entry.channel ?? key.split(":")[2],
    }),
  });
  if (isNewer?.({ entry, sessionKey: key, agentId: "main", storePath })) return false;
  if (isElsewhere?.(entry) && !policy.configured) return true;
  const times = lifecycle ? lifecycle({ entry, agentId: "main", storePath }) : {};
  return evaluate({ updatedAt: entry.updatedAt, ...times, now, policy }).fresh;
});
process.stdout.write(JSON.stringify(answers));
