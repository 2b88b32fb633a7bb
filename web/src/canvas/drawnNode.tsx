/** What React Flow draws for each kind of node. It tells them their places; cards do not look, and so stay as they are. */
import type { NodeProps } from "@xyflow/react";
import { FrameCard } from "./FrameCard";
import type { CardNode, FrameNode, NoteNode, RailNode } from "./flow";
import { NodeCard } from "./NodeCard";
import { NoteCard } from "./NoteCard";
import { RailCard } from "./RailCard";

export const drawnNode = ({ data }: NodeProps<CardNode>) => <NodeCard facts={data.facts} />;
export const drawnRail = ({ data }: NodeProps<RailNode>) => <RailCard rail={data.rail} />;
export const drawnFrame = ({ data }: NodeProps<FrameNode>) => <FrameCard shown={data.frame} />;
export const drawnNote = ({ data }: NodeProps<NoteNode>) => <NoteCard shown={data.note} />;
