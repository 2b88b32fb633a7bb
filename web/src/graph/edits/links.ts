/** All that can be done with links. Whether a link may be, `judge` tells; the edits make what they are told. */
export { isWireless, waypointsOf } from "../ways";
export { connect, disconnect, disconnectAll, moveLinks } from "./connect";
export { connectMany, lazyConnect } from "./connectMany";
export { connectThrough, conversion } from "./conversion";
export { freeInput, freeOutput } from "./freeSockets";
export { judge, type Verdict } from "./judge";
export { replaceNode } from "./replace";
export { canSplice, extract, splice } from "./splice";
export { swapInputs, swappable } from "./swap";
export { setWaypoints, setWireless } from "./waypoints";
