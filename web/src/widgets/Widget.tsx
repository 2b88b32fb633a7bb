/** Draws an input with the widget of its kind. */
import { type ComponentType, memo } from "react";
import { ChoiceWidget } from "./ChoiceWidget";
import { ColorWidget } from "./ColorWidget";
import { kindOf, type WidgetKind } from "./kindOf";
import { LinesWidget } from "./LinesWidget";
import { LinkedWidget } from "./LinkedWidget";
import { ListWidget } from "./ListWidget";
import { MixedWidget } from "./MixedWidget";
import { NumberWidget } from "./NumberWidget";
import { PictureWidget } from "./PictureWidget";
import { PromptWidget } from "./PromptWidget";
import { SeedWidget } from "./SeedWidget";
import { TextWidget } from "./TextWidget";
import { ToggleWidget } from "./ToggleWidget";
import { useIsPrompt } from "./useIsPrompt";
import type { WidgetProps } from "./widget";

const WIDGETS = {
  number: NumberWidget,
  seed: SeedWidget,
  color: ColorWidget,
  toggle: ToggleWidget,
  choice: ChoiceWidget,
  picture: PictureWidget,
  text: TextWidget,
  lines: LinesOrPrompt,
  prompt: PromptWidget,
  list: ListWidget,
  mixed: MixedWidget,
} as const satisfies Record<WidgetKind, ComponentType<WidgetProps>>;

export const Widget = memo(function Widget(props: WidgetProps) {
  const Kind = props.isLinked ? LinkedWidget : WIDGETS[kindOf(props.input)];
  return <Kind {...props} />;
});

/** A text beside a text encoder is a prompt. */
function LinesOrPrompt(props: WidgetProps) {
  const isPrompt = useIsPrompt(props.node);
  return isPrompt ? <PromptWidget {...props} /> : <LinesWidget {...props} />;
}
