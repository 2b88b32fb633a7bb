/** Arranges graphs away from the page, which stays responsive meanwhile. */
import { type Arranging, arrangement } from "./arrangement";

self.onmessage = (event: MessageEvent<Arranging>) => {
  self.postMessage(arrangement(event.data));
};
