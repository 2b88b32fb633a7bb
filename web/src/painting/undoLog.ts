import { copyIn, copyOut, type Plane } from "./plane";
import { type Patch, type Recording, squeezed } from "./recording";

interface Change {
  readonly plane: Plane;
  readonly patches: readonly Patch[];
  readonly size: number;
}

/** Steps back and forth over pixels. It holds only what changed, and forgets the oldest steps first. */
export class UndoLog {
  #done: Change[] = [];
  #undone: Change[] = [];
  #forgotten = 0;

  constructor(
    readonly maxSteps = 200,
    readonly maxBytes = 256 * 2 ** 20,
  ) {}

  /** How many changes lead to what is there now, forgotten ones included. */
  get position(): number {
    return this.#forgotten + this.#done.length;
  }

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  get size(): number {
    return sizeOf(this.#done) + sizeOf(this.#undone);
  }

  /** Close a recording as one step. A change that changed nothing is no step. */
  push(recording: Recording): boolean {
    const patches = recording.patches();
    if (patches.length === 0) return false;
    this.#undone = [];
    this.#done.push(change(recording.plane, patches));
    while (this.#done.length > this.maxSteps || this.#isTooLarge()) {
      this.#done.shift();
      this.#forgotten++;
    }
    return true;
  }

  undo(): Change | null {
    return this.#step(this.#done, this.#undone);
  }

  redo(): Change | null {
    return this.#step(this.#undone, this.#done);
  }

  /** The last step is kept whatever its size: a change that cannot be undone would be a trap. */
  #isTooLarge(): boolean {
    return this.#done.length > 1 && this.size > this.maxBytes;
  }

  #step(from: Change[], to: Change[]): Change | null {
    const old = from.pop();
    if (!old) return null;
    const { plane } = old;
    const patches = old.patches.map(({ rect, bytes }) => {
      const now = squeezed(copyOut(plane, rect), plane.channels);
      copyIn(plane, rect, bytes);
      return { rect, bytes: now };
    });
    const swapped = change(plane, patches);
    to.push(swapped);
    return swapped;
  }
}

function change(plane: Plane, patches: readonly Patch[]): Change {
  return { plane, patches, size: patches.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

function sizeOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { size }) => sum + size, 0);
}
