import { declaredIn } from "../interaction/nodeIndex";
import { currentCatalogue } from "../state/catalogue";

/**
 * Loads the parts that are shown on demand, once the page has nothing else to do: a server that is away has none. And
 * has the node types ready for the first search.
 */
export function preloadParts(): void {
  setTimeout(preloadTyping, 200);
  const load = (): void => {
    declaredIn(currentCatalogue());
    void Promise.allSettled([
      import("./SaveDialog"),
      import("./OpenDialog"),
      import("./Templates"),
      import("./ConflictDialog"),
      import("./ImportProblems"),
      import("./DraftsDialog"),
      import("./MissingDialog"),
      import("./WorkflowsPanel"),
      import("./ModelsPanel"),
      import("../interaction/NodesPanel"),
      import("../interaction/OutlinePanel"),
      import("../interaction/Shortcuts"),
      import("../panels/Inspector"),
      import("../panels/Settings"),
      import("../panels/StepsPanel"),
      import("../painting/PictureEditor"),
      import("../results/GalleryPanel"),
      import("../results/GridDialog"),
      import("../results/Viewer"),
      import("../running/HistoryPanel"),
    ]);
  };
  setTimeout(load, 3000); // not by requestIdleCallback, which Safari does not have
}

/** Parts into which people type at once: letters must not wait for them. */
function preloadTyping(): void {
  void Promise.allSettled([
    import("../interaction/Palette"),
    import("../interaction/CommandList"),
    import("../interaction/Find"),
    import("../ui/OpenPopup"),
    import("../widgets/ChoicePopup"),
  ]);
}
