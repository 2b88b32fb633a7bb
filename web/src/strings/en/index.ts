/** Every sentence and label a person reads, in English, by area. Another language is another such object. */
import { app } from "./app";
import { canvas } from "./canvas";
import { documents } from "./documents";
import { graph } from "./graph";
import { interaction } from "./interaction";
import { pages } from "./pages";
import { painting } from "./painting";
import { results } from "./results";
import { running } from "./running";
import { search } from "./search";
import { widgets } from "./widgets";

export const en = {
  app,
  canvas,
  documents,
  graph,
  pages,
  results,
  interaction,
  running,
  painting,
  search,
  widgets,
};

export type Strings = typeof en;
