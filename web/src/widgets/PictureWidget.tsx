/** A picture of the input folder: dropped, pasted, chosen, taken by the camera, or painted. */
import { Camera, ChevronDown, ImagePlus, Paintbrush, TriangleAlert, Upload } from "lucide-react";
import {
  type ClipboardEvent,
  type DragEvent,
  lazy,
  type MouseEvent,
  Suspense,
  useId,
  useRef,
  useState,
} from "react";
import { fileAddress } from "../api/client";
import { closePopup, openPopup, showOverlay } from "../state/view";
import { t } from "../strings/t";
import { useChoiceList } from "./choiceList";
import { mayCarryPicture, pictureIn } from "./droppedPicture";
import { FieldRow } from "./FieldRow";
import { FileName } from "./FileName";
import css from "./PictureWidget.module.css";
import { remember } from "./remembered";
import { usePainting } from "./usePainting";
import { usePictureFacts } from "./usePictureFacts";
import { usePictureInput } from "./usePictureInput";
import { labelOf, type WidgetProps } from "./widget";

const ChoicePopup = lazy(() => import("./ChoicePopup"));
const CameraDialog = lazy(() => import("./CameraDialog"));

export function PictureWidget(props: WidgetProps) {
  const { node, input, value, onChange, place } = props;
  const id = useId();
  const field = useRef<HTMLButtonElement>(null);
  const opener = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const { names } = useChoiceList(input);
  const name = typeof value === "string" ? value : "";
  const isMissing = name !== "" && names !== null && !names.includes(name);
  const { progress, take } = usePictureInput(onChange);
  const paint = usePainting(node, input);
  const facts = usePictureFacts(isMissing ? "" : name);

  const choose = (): void => {
    const anchor = field.current?.getBoundingClientRect();
    if (!anchor) return;
    openPopup({
      anchor,
      label: t("widgets.choosePicture"),
      onClosed: () => field.current?.focus(),
      content: (
        <Suspense fallback={null}>
          <ChoicePopup
            node={node}
            input={input}
            value={name}
            onChoose={(chosen) => {
              remember(input, chosen);
              onChange(chosen);
              closePopup();
            }}
          />
        </Suspense>
      ),
    });
  };
  const photograph = (): void =>
    showOverlay({
      kind: "element",
      element: (
        <Suspense fallback={null}>
          <CameraDialog
            onClose={() => showOverlay(null)}
            onTaken={(file) => {
              showOverlay(null);
              void take({ file });
            }}
          />
        </Suspense>
      ),
    });
  const receive = (event: DragEvent | ClipboardEvent, data: DataTransfer | null): void => {
    const picture = data && pictureIn(data);
    if (!picture) return;
    event.preventDefault();
    event.stopPropagation();
    void take(picture);
  };
  const stopped = (run: () => void) => (event: MouseEvent) => {
    event.stopPropagation();
    run();
  };

  const buttons = (
    <span className={css.buttons}>
      <button
        type="button"
        className={css.button}
        aria-label={t("widgets.uploadPicture")}
        title={t("widgets.uploadPicture")}
        onClick={stopped(() => opener.current?.click())}
      >
        <Upload />
      </button>
      <button
        type="button"
        className={css.button}
        aria-label={t("widgets.camera")}
        title={t("widgets.camera")}
        onClick={stopped(photograph)}
      >
        <Camera />
      </button>
      {isMissing ? null : (
        <button
          type="button"
          className={css.button}
          aria-label={t("widgets.editPictureLabel", { input: labelOf(input) })}
          title={t("widgets.editPictureLabel", { input: labelOf(input) })}
          onClick={stopped(() => paint(name))}
        >
          <Paintbrush />
        </button>
      )}
    </span>
  );

  return (
    <FieldRow
      {...props}
      id={id}
      area={
        <section
          className={css.box}
          data-place={place}
          data-over={isOver || undefined}
          data-empty={!name || undefined}
          aria-label={labelOf(input)}
          onDragOver={(event) => {
            if (!mayCarryPicture(event.dataTransfer)) return;
            event.preventDefault();
            event.stopPropagation();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            setOver(false);
            receive(event, event.dataTransfer);
          }}
          onPaste={(event) => receive(event, event.clipboardData)}
        >
          {name && !isMissing ? (
            <button
              type="button"
              className={css.shown}
              aria-label={t("widgets.choosePicture")}
              onClick={choose}
            >
              <img
                className={css.picture}
                src={fileAddress({ kind: "input", name }, 512)}
                alt={name}
                draggable={false}
                decoding="async"
              />
            </button>
          ) : (
            <button type="button" className={css.empty} onClick={choose}>
              {isMissing ? <TriangleAlert /> : <ImagePlus />}
              <span>{isMissing ? t("widgets.missing", { name }) : t("widgets.dropPicture")}</span>
            </button>
          )}
          <span className={css.foot}>
            {facts ? (
              <span className={css.size}>{t("widgets.pictureSize", { ...facts })}</span>
            ) : null}
            {buttons}
          </span>
          {progress === null ? null : (
            <span className={css.sending} role="status">
              {t("widgets.uploading", { percent: Math.round(progress * 100) })}
            </span>
          )}
          <input
            ref={opener}
            className={css.opener}
            type="file"
            accept="image/*"
            tabIndex={-1}
            aria-hidden="true"
            onChange={(event) => {
              const file = event.target.files?.[0];
              event.target.value = "";
              if (file) void take({ file });
            }}
          />
        </section>
      }
    >
      <button
        ref={field}
        id={id}
        type="button"
        className={css.name}
        aria-haspopup="listbox"
        aria-label={t("widgets.chosenPicture", {
          input: labelOf(input),
          name: name || t("widgets.unchosen"),
        })}
        aria-invalid={isMissing || undefined}
        data-missing={isMissing || undefined}
        onClick={choose}
        onPaste={(event) => receive(event, event.clipboardData)}
      >
        {name ? (
          <FileName name={name} />
        ) : (
          <span className={css.none}>{t("widgets.unchosen")}</span>
        )}
        <ChevronDown className={css.arrow} />
      </button>
    </FieldRow>
  );
}
