/** Who has never made a choice here begins at the page for newcomers. */
import { goTo, isHome } from "../route";
import { followPreferences, preferencesStore } from "../state/preferences";

const isWelcomed = (): boolean => preferencesStore.getState().welcomed;

/** Lead from the bare address to the page for newcomers, unless this browser or the server knows the person. */
export async function welcomeNewcomer(): Promise<void> {
  if (isWelcomed() || !isHome()) return;
  await followPreferences();
  if (!isWelcomed()) goTo({ page: "start" });
}
