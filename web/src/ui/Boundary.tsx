/** Keeps a part that broke from taking the rest with it. */
import { Component, type ReactNode } from "react";
import { t } from "../strings/t";
import { Button } from "./Button";
import { Empty } from "./Empty";

interface BoundaryState {
  readonly error: Error | null;
}

export class Boundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Empty text={t("app.brokenPart", { reason: error.message })}>
        <Button onClick={() => this.setState({ error: null })}>{t("app.tryAgain")}</Button>
      </Empty>
    );
  }
}
