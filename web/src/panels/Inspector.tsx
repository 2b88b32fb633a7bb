/** The panel at the right: what is selected, or the document where nothing is. */
import { shownGraph, useDocument } from "../state/document";
import { Boundary } from "../ui/Boundary";
import { DocumentInspector } from "./inspector/DocumentInspector";
import { ManyInspector } from "./inspector/ManyInspector";
import { NodeInspector } from "./inspector/NodeInspector";

export default function Inspector() {
  return (
    <Boundary>
      <Selected />
    </Boundary>
  );
}

function Selected() {
  const selected = useDocument((state) => state.selection.nodes);
  const [first] = selected;
  const isThere = useDocument(
    (state) => first !== undefined && shownGraph(state).nodes[first] !== undefined,
  );
  if (first === undefined || !isThere) return <DocumentInspector />;
  if (selected.size > 1) return <ManyInspector nodes={[...selected]} />;
  return <NodeInspector key={first} node={first} />;
}
