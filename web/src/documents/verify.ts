/** Reads models anew and tells which of them are damaged. */
import type { ModelInfo } from "../api/schema";
import { t } from "../strings/t";
import { dismiss, tell, tellError } from "../ui/toasts";
import { verifyModels } from "./models";
import { lastPart } from "./nameOf";

/** models: none for all there are. */
export async function verify(models: readonly ModelInfo[]): Promise<void> {
  const [first] = models;
  const waiting = tell(
    first ? t("documents.verifying", { name: lastPart(first.name) }) : t("documents.verifyingAll"),
  );
  try {
    const verdicts = await verifyModels(models);
    const bad = verdicts.filter(({ state }) => state === "damaged" || state === "unreadable");
    for (const { message } of bad) tell(message, { tone: "error" });
    if (bad.length === 0) tell(t("documents.verifiedWell", { count: verdicts.length }));
  } catch (error) {
    tellError(error);
  } finally {
    dismiss(waiting);
  }
}
