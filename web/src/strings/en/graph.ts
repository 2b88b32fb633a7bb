/** Why the graph cannot be changed in a way, and names that edits give. */
export const graph = {
  noNode: "That node is no longer there.",
  noOutput: "The node has no output “{output}”.",
  noInput: "The node has no input “{input}”.",
  itself: "A node cannot feed itself.",
  circle: "This would close a circle: the node would wait for its own result.",
  type: "“{input}” takes {wanted}, but “{output}” gives {given}.",
  subgraph: "Subgraph",
  frame: "Frame",
} as const;
