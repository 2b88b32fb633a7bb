/** What the document around needs that is not here. Asks for the files of the folders that it names models of. */
import { useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { useCatalogue } from "../state/catalogue";
import { choicesStore, loadChoices } from "../state/choices";
import { useDocument } from "../state/document";
import {
  type MissingModel,
  type MissingType,
  missingModels,
  missingTypes,
  namedModels,
} from "./missing";

interface Missing {
  readonly types: readonly MissingType[];
  readonly models: readonly MissingModel[];
}

export function useMissing(): Missing {
  const catalogue = useCatalogue();
  const workflow = useDocument((state) => state.workflow);
  const sources = useStore(choicesStore, (state) => state.sources);
  const named = useMemo(() => namedModels(workflow, catalogue), [workflow, catalogue]);
  const types = useMemo(() => missingTypes(workflow, catalogue), [workflow, catalogue]);
  const folders = useMemo(() => [...new Set(named.map(({ folder }) => folder))].sort(), [named]);
  const wanted = folders.join("\n");
  useEffect(() => {
    for (const folder of wanted.split("\n").filter(Boolean))
      if (!choicesStore.getState().sources[folder]) void loadChoices(folder);
  }, [wanted]);
  const models = useMemo(() => {
    const choices = Object.fromEntries(
      folders.flatMap((folder) => {
        const names = sources[folder]?.names;
        return names ? [[folder, names]] : [];
      }),
    );
    return missingModels(workflow, named, choices);
  }, [workflow, named, folders, sources]);
  return { types, models };
}
