/** Every sentence and label a person reads, in English, by area. Another language is another such object. */
import { app } from "./app";

export const en = {
  app,
};

export type Strings = typeof en;
