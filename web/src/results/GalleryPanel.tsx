/** The pictures that runs made, the newest first: to look at, to star, to drag onto the graph. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { Search, Star } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { fileAddress } from "../api/client";
import type { StoredFile } from "../api/schema";
import { writeFile } from "../state/dragged";
import { usePreference } from "../state/preferences";
import { onRunOver } from "../state/runStore";
import { t } from "../strings/t";
import { Empty } from "../ui/Empty";
import { TextField } from "../ui/Field";
import { IconButton } from "../ui/IconButton";
import { loadMore, refreshFiles, useFiles } from "./files";
import css from "./GalleryPanel.module.css";
import { openViewer } from "./openViewer";

const COLUMNS = 2;
const ROW = 148;

export default function GalleryPanel() {
  const all = useFiles((state) => state.files);
  const total = useFiles((state) => state.total);
  const hasMore = useFiles((state) => state.next !== "");
  const starred = usePreference("starred").output ?? [];
  const [prefix, setPrefix] = useState("");
  const [onlyStarred, setOnlyStarred] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const files = onlyStarred ? all.filter((file) => starred.includes(file.name)) : all;
  const rows = useVirtualizer({
    count: Math.ceil(files.length / COLUMNS),
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 2,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;

  useEffect(() => {
    void refreshFiles(prefix);
    return onRunOver(() => void refreshFiles(prefix)); // it may have made pictures
  }, [prefix]);
  useEffect(() => {
    if (hasMore && (last + 2) * COLUMNS >= files.length) void loadMore();
  }, [hasMore, last, files.length]);

  return (
    <div className={css.panel}>
      <div className={css.tools}>
        <TextField
          className={css.search}
          label={t("results.search")}
          hideLabel
          icon={<Search />}
          placeholder={t("results.search")}
          value={prefix}
          onChange={(event) => setPrefix(event.target.value)}
        />
        <IconButton
          label={t("results.starredOnly")}
          icon={<Star />}
          pressed={onlyStarred}
          onClick={() => setOnlyStarred(!onlyStarred)}
        />
      </div>
      {files.length === 0 ? (
        <Empty text={t("results.empty")} />
      ) : (
        <p className={css.count}>
          {t("results.count", { count: onlyStarred ? files.length : total })}
        </p>
      )}
      <div ref={box} className={css.scroll}>
        <div className={css.rows} style={{ height: rows.getTotalSize() }}>
          {shown.map(({ index, start }) => (
            <div key={index} className={css.row} style={{ top: start, height: ROW }}>
              {files.slice(index * COLUMNS, (index + 1) * COLUMNS).map((file, column) => (
                <Tile
                  key={file.name}
                  file={file}
                  isStarred={starred.includes(file.name)}
                  onOpen={() => openViewer(files, index * COLUMNS + column)}
                />
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

interface TileProps {
  readonly file: StoredFile;
  readonly isStarred: boolean;
  readonly onOpen: () => void;
}

function Tile({ file, isStarred, onOpen }: TileProps) {
  const drag = (event: DragEvent): void => writeFile(event.dataTransfer, file);
  return (
    <button
      type="button"
      className={css.tile}
      draggable
      onDragStart={drag}
      onClick={onOpen}
      aria-label={t("results.open", { name: file.name })}
    >
      <img src={fileAddress(file, 256)} alt="" loading="lazy" decoding="async" draggable={false} />
      {isStarred ? <Star className={css.star} /> : null}
    </button>
  );
}
