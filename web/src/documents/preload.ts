/** Loads the parts that are shown on demand, once the page has nothing else to do: a server that is away has none. */
export function preloadParts(): void {
  const load = (): void => {
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
      import("../interaction/CommandList"),
      import("../interaction/Find"),
      import("../interaction/NodesPanel"),
      import("../interaction/OutlinePanel"),
      import("../interaction/Palette"),
      import("../interaction/Shortcuts"),
      import("../panels/Inspector"),
      import("../panels/Settings"),
      import("../panels/StepsPanel"),
      import("../painting/PictureEditor"),
      import("../results/GalleryPanel"),
      import("../results/GridDialog"),
      import("../results/Viewer"),
      import("../running/HistoryPanel"),
      import("../ui/OpenPopup"),
    ]);
  };
  setTimeout(load, 3000); // not by requestIdleCallback, which Safari does not have
}
