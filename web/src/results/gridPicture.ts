/** A grid drawn as one picture, with its values at the edges. */
import type { Axis } from "../graph/variation";
import { t } from "../strings/t";

export interface GridPicture {
  readonly rows: Axis;
  readonly columns: Axis;
  readonly pages: Axis;
  /** Each by its column, row and page. */
  readonly pictures: readonly {
    readonly at: readonly [number, number, number];
    readonly address: string;
  }[];
}

const SMALLEST = 192;
const EDGE = 140;
const LINE = 28;

export async function drawnGrid({ rows, columns, pages, pictures }: GridPicture): Promise<Blob> {
  const images = await Promise.all(
    pictures.map(async ({ at, address }) => ({ at, image: await loaded(address) })),
  );
  const side = Math.max(
    SMALLEST,
    ...images.map(({ image }) => Math.max(image.width, image.height)),
  );
  const page = LINE * 2 + rows.values.length * (side + 8);
  const canvas = new OffscreenCanvas(
    EDGE + columns.values.length * (side + 8) + 8,
    pages.values.length * page + 8,
  );
  const context = canvas.getContext("2d");
  if (!context) throw new Error(t("results.gridFailed"));
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#1b1d21";
  context.font = "14px system-ui";
  context.imageSmoothingEnabled = false;
  for (const [at, value] of pages.values.entries()) {
    const top = at * page;
    context.fillText(`${pages.label} ${String(value)}`.trim(), 8, top + 20, canvas.width - 16);
    for (const [column, name] of columns.values.entries())
      context.fillText(
        `${columns.label} ${String(name)}`.trim(),
        EDGE + column * (side + 8),
        top + LINE + 20,
        side,
      );
    for (const [row, name] of rows.values.entries())
      context.fillText(
        `${rows.label} ${String(name)}`.trim(),
        8,
        top + LINE * 2 + row * (side + 8) + 20,
        EDGE - 16,
      );
  }
  for (const { at, image } of images) {
    const scale = side / Math.max(image.width, image.height);
    const [x, y] = [EDGE + at[0] * (side + 8), at[2] * page + LINE * 2 + at[1] * (side + 8)];
    context.drawImage(image, x, y, image.width * scale, image.height * scale);
  }
  return canvas.convertToBlob({ type: "image/png" });
}

async function loaded(address: string): Promise<ImageBitmap> {
  const response = await fetch(address, { credentials: "same-origin" });
  return createImageBitmap(await response.blob());
}
