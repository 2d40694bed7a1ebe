// What runs on this machine, as /proc tells.
import { readdir, readFile } from "node:fs/promises";

/** Command lines of all processes that contain the text, by pid. */
export const processesWith = async (text: string): Promise<Map<number, string>> => {
  const found = new Map<number, string>();
  for (const entry of await readdir("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (command.includes(text) || environ.includes(text)) {
      found.set(pid, command.replaceAll("\0", " ").trim());
    }
  }
  return found;
};
