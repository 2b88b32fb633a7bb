/** The way back and forth. */
import { copyIn, copyOut, type Plane } from "./plane";
import { type Patch, type Recording, squeezed } from "./recording";
import type { Rect } from "./rect";
import type { Steps } from "./steps";

export type Told = (plane: Plane, rect: Rect) => void;

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
  *push(recording: Recording): Steps<boolean> {
    const patches = yield* recording.patches();
    if (patches.length === 0) return false;
    this.#undone = [];
    this.#done.push(change(recording.plane, patches));
    while (this.#done.length > this.maxSteps || this.#isTooLarge()) {
      this.#done.shift();
      this.#forgotten++;
    }
    return true;
  }

  /** Each rectangle that is put back is told. */
  *undo(told: Told): Steps<boolean> {
    return yield* this.#step(this.#done, this.#undone, told);
  }

  *redo(told: Told): Steps<boolean> {
    return yield* this.#step(this.#undone, this.#done, told);
  }

  /** The last step is kept whatever its size: a change that cannot be undone would be a trap. */
  #isTooLarge(): boolean {
    return this.#done.length > 1 && this.size > this.maxBytes;
  }

  *#step(from: Change[], to: Change[], told: Told): Steps<boolean> {
    const old = from.pop();
    if (!old) return false;
    const { plane } = old;
    const patches: Patch[] = [];
    for (const { rect, bytes } of old.patches) {
      patches.push({ rect, bytes: squeezed(copyOut(plane, rect), plane.channels) });
      copyIn(plane, rect, bytes);
      told(plane, rect);
      yield;
    }
    to.push(change(plane, patches));
    return true;
  }
}

function change(plane: Plane, patches: readonly Patch[]): Change {
  return { plane, patches, size: patches.reduce((sum, { bytes }) => sum + bytes.length, 0) };
}

function sizeOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { size }) => sum + size, 0);
}
