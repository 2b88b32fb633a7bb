/** All that can be done with subgraphs. */
export {
  canUse,
  deleteUnusedDefinitions,
  makeUnique,
  renameDefinition,
  type Use,
  unusedDefinitions,
  uses,
} from "./definitions";
export {
  addEnd,
  connectEnd,
  disconnectEnd,
  type Inner,
  moveEnd,
  promote,
  removeEnd,
  renameEnd,
  type Side,
} from "./ends";
export { type Unwrapped, unwrap } from "./unwrap";
export { wrap } from "./wrap";
