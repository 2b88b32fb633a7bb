/** Well-known models to begin with: what each is good for, its size and licence, and a button that gets it. */
import { Check, Download } from "lucide-react";
import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { ask } from "../api/client";
import type { Suggestion } from "../api/schema";
import { downloadsStore, isOver } from "../state/downloads";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { tellError } from "../ui/toasts";
import { fileOf } from "../widgets/modelOrigin";
import { fetchModel } from "./fetchModel";
import { refreshModels, useModels } from "./models";
import { lastPart } from "./nameOf";
import css from "./StartingPoints.module.css";

interface StartingPointsProps {
  /** One of them is being fetched. */
  readonly onChosen?: () => void;
  /** Only models of this folder that run here, and so many at most. */
  readonly folder?: string;
  readonly most?: number;
}

export function StartingPoints({ onChosen, folder, most }: StartingPointsProps) {
  const [points, setPoints] = useState<readonly Suggestion[]>([]);
  useEffect(() => {
    void refreshModels();
    ask<readonly Suggestion[]>("GET", "/v1/models/starting-points").then(setPoints, tellError);
  }, []);
  const inOrder = points
    .filter((point) => folder === undefined || (point.folder === folder && point.runs))
    .toSorted((a, b) => Number(b.runs) - Number(a.runs))
    .slice(0, most);
  return (
    <ul className={css.list}>
      {inOrder.map((point) => (
        <Point key={point.source} point={point} onChosen={onChosen} />
      ))}
    </ul>
  );
}

interface PointProps {
  readonly point: Suggestion;
  readonly onChosen: (() => void) | undefined;
}

function Point({ point, onChosen }: PointProps) {
  const { title, source, folder, size_gb, memory_gb, licence, good_for, runs } = point;
  const isHere = useModels(({ models }) =>
    models.some((model) => model.folder === folder && lastPart(model.name) === fileOf(source)),
  );
  const isFetched = useStore(downloadsStore, ({ downloads }) =>
    Object.values(downloads).some((one) => one.source === source && !isOver(one)),
  );
  const get = async (): Promise<void> => {
    if (await fetchModel({ source, folder })) onChosen?.();
  };
  return (
    <li className={css.point}>
      <span className={css.title}>{title}</span>
      <span className={css.text}>{good_for}</span>
      <small className={css.facts}>
        {[
          licence,
          t("documents.memory", { size: memory_gb }),
          runs ? "" : t("documents.notRunning"),
        ]
          .filter(Boolean)
          .join(" · ")}
      </small>
      {isHere ? (
        <span className={css.here}>
          <Check />
          {t("documents.have")}
        </span>
      ) : (
        <Button icon={<Download />} disabled={isFetched} onClick={() => void get()}>
          {isFetched ? t("documents.getting") : t("documents.getSize", { size: `${size_gb} GB` })}
          <span className="visually-hidden">, {title}</span>
        </Button>
      )}
    </li>
  );
}
