/** What an edit of a graph needs to know. */
import type { Catalogue } from "../catalogue";
import type { Scope, Workflow } from "../workflow";

export interface Context {
  readonly workflow: Workflow;
  readonly catalogue: Catalogue;
  readonly scope: Scope;
}
