/** Looks at pictures: zoom to the pixel, the next and the one before, two compared, what they tell of how they were made. */
import {
  ChevronLeft,
  ChevronRight,
  Columns2,
  Contrast,
  Download,
  FolderOpen,
  Repeat,
  SplitSquareHorizontal,
  Star,
  Trash2,
  X,
} from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { address, fileAddress, inPath } from "../api/client";
import { openPictureWorkflow } from "../documents/importing";
import { setPreferences, usePreference } from "../state/preferences";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { IconButton } from "../ui/IconButton";
import { Menu } from "../ui/Menu";
import { tell, tellError } from "../ui/toasts";
import { type Comparing, Comparison } from "./Comparison";
import { continueWith } from "./continueWith";
import { deleteFile } from "./files";
import type { Way } from "./going";
import type { PictureRef } from "./openViewer";
import { PictureDetails } from "./PictureDetails";
import { usePictureFacts } from "./pictureFacts";
import { Stage } from "./Stage";
import css from "./Viewer.module.css";

interface ViewerProps {
  readonly files: readonly PictureRef[];
  readonly index: number;
}

const WAYS: readonly Way[] = ["imageToImage", "inpaint", "upscale", "vary"];

export default function Viewer({ files: given, index }: ViewerProps) {
  const [files, setFiles] = useState(given);
  const [at, setAt] = useState(index);
  const [comparing, setComparing] = useState<Comparing | null>(null);
  const [isSwapped, setSwapped] = useState(false);
  const file = files[Math.min(at, files.length - 1)];
  const facts = usePictureFacts(file);
  const starred = usePreference("starred");
  const close = (): void => showOverlay(null);
  if (!file) return null;

  const stars = starred.output ?? [];
  const isStarred = stars.includes(file.name);
  const star = (): void =>
    setPreferences({
      starred: {
        ...starred,
        output: isStarred ? stars.filter((name) => name !== file.name) : [...stars, file.name],
      },
    });
  const step = (by: number): void => setAt((at + by + files.length) % files.length);
  const other = files[(at + 1) % files.length] ?? file;
  const compare = (how: Comparing): void => setComparing(comparing === how ? null : how);
  const remove = async (): Promise<void> => {
    if (!window.confirm(t("results.removeAsk", { name: file.name }))) return;
    try {
      await deleteFile(file);
    } catch (error) {
      tellError(error);
      return;
    }
    tell(t("results.removed", { name: file.name }));
    const rest = files.filter((item) => item !== file);
    if (rest.length === 0) close();
    else setFiles(rest);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement) return;
    const deeds: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
      s: star,
      c: () => compare("slider"),
      x: () => setSwapped(!isSwapped),
    };
    const deed = deeds[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  };

  const [first, second] = isSwapped ? [other, file] : [file, other];
  return (
    <Dialog title={t("results.viewer")} onClose={close} size="full" bare onKeyDown={onKeyDown}>
      <div className={css.viewer}>
        <header className={css.bar}>
          <span className={css.name}>{file.name}</span>
          <span className={css.place}>
            {files.length > 1 ? `${at + 1} / ${files.length}` : null}
          </span>
          <span className={css.gap} />
          <Menu
            trigger={<Button icon={<Repeat />}>{t("results.goOn")}</Button>}
            entries={WAYS.map((way) => ({
              label: t(`results.${way}`),
              run: () => {
                close();
                void continueWith(way, file, facts).catch(tellError);
              },
            }))}
          />
          <Button
            icon={<FolderOpen />}
            onClick={() => {
              close();
              void openPictureWorkflow(file).catch(tellError);
            }}
          >
            {t("results.openWorkflow")}
          </Button>
          <IconButton
            label={t(isStarred ? "results.unstar" : "results.star")}
            keys="S"
            icon={<Star />}
            pressed={isStarred}
            onClick={star}
          />
          {files.length > 1 ? (
            <>
              <IconButton
                label={t("results.slider")}
                keys="C"
                icon={<SplitSquareHorizontal />}
                pressed={comparing === "slider"}
                onClick={() => compare("slider")}
              />
              <IconButton
                label={t("results.sideBySide")}
                icon={<Columns2 />}
                pressed={comparing === "beside"}
                onClick={() => compare("beside")}
              />
              <IconButton
                label={t("results.difference")}
                icon={<Contrast />}
                pressed={comparing === "difference"}
                onClick={() => compare("difference")}
              />
            </>
          ) : null}
          <a
            className={css.link}
            href={address(`/v1/files/${file.kind}/${inPath(file.name)}`, { download: true })}
            download
            aria-label={t("results.download")}
            title={t("results.download")}
          >
            <Download />
          </a>
          <IconButton label={t("results.remove")} icon={<Trash2 />} onClick={() => void remove()} />
          <IconButton label={t("app.close")} keys="Esc" icon={<X />} onClick={close} />
        </header>
        <div className={css.middle}>
          {files.length > 1 ? (
            <IconButton
              className={css.turn ?? ""}
              label={t("results.previous")}
              icon={<ChevronLeft />}
              onClick={() => step(-1)}
            />
          ) : null}
          <div className={css.stage}>
            {comparing ? (
              <Comparison how={comparing} first={fileAddress(first)} second={fileAddress(second)} />
            ) : (
              <Stage key={file.name} source={fileAddress(file)} name={file.name} />
            )}
          </div>
          {files.length > 1 ? (
            <IconButton
              className={css.turn ?? ""}
              label={t("results.next")}
              icon={<ChevronRight />}
              onClick={() => step(1)}
            />
          ) : null}
          <PictureDetails file={file} facts={facts} />
        </div>
      </div>
    </Dialog>
  );
}
