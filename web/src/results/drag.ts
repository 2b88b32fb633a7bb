/** What is dragged when a stored picture is: JSON `{kind, name}`. The canvas and picture fields take it. */
export const FILE_DRAG = "application/x-noisewright-file";
