// Generated from the server's and the engine's own schemas by `npm run generate`. Not to be edited.

/**
 * A link, a value, or a wrapped value.
 */
export type InputValue = (string | number | boolean | null | unknown[]) | Link | Value;
/**
 * @minItems 2
 * @maxItems 2
 */
export type LinkOrigin = [string, string];
export type RunEvent =
  | RunQueued
  | RunStarted
  | NodeStarted
  | NodeProgress
  | NodePreview
  | NodeMessage
  | NodeFinished
  | NodeFailed
  | NodeSkipped
  | RunFinished
  | RunPaused
  | RunResumed
  | RunMoved
  | RunInterrupted;

export interface Everything {
  AppInfo?: AppInfo;
  Cancelled?: Cancelled;
  CatalogueInfo?: CatalogueInfo;
  CheckRequest?: CheckRequest;
  Choices?: Choices;
  Chosen?: Chosen;
  Converted?: Converted;
  Death?: Death;
  Document?: Document;
  DownloadInfo?: DownloadInfo;
  DownloadRequest?: DownloadRequest;
  DraftDetail?: DraftDetail;
  DraftInfo?: DraftInfo;
  ErrorAnswer?: ErrorAnswer;
  ErrorInfo?: ErrorInfo;
  EventInfo?: EventInfo;
  Failure?: Failure;
  FieldLayout?: FieldLayout;
  FileInfo?: FileInfo;
  FileList?: FileList;
  FileNamed?: FileNamed;
  Finding?: Finding;
  Frame?: Frame;
  Freeing?: Freeing;
  Health?: Health;
  Host?: Host;
  InputSpec?: InputSpec;
  InputValue?: InputValue;
  Interface?: Interface;
  InterfaceInput?: InterfaceInput;
  InterfaceOutput?: InterfaceOutput;
  KeepDraft?: KeepDraft;
  Layout?: Layout;
  LimitsInput?: LimitsInput;
  LimitsOutput?: LimitsOutput;
  Link?: Link;
  LinkOrigin?: LinkOrigin;
  LogLine?: LogLine;
  LogPage?: LogPage;
  Login?: Login;
  MadeToken?: MadeToken;
  Me?: Me;
  ModelInfo?: ModelInfo;
  Move?: Move;
  Narrowing?: Narrowing;
  NewToken?: NewToken;
  NodeFailed?: NodeFailed;
  NodeFinished?: NodeFinished;
  NodeLayout?: NodeLayout;
  NodeMessage?: NodeMessage;
  NodePreview?: NodePreview;
  NodeProgress?: NodeProgress;
  NodeReport?: NodeReport;
  NodeSkipped?: NodeSkipped;
  NodeSpec?: NodeSpec;
  NodeStarted?: NodeStarted;
  Nodes?: Nodes;
  Note?: Note;
  OutputSpec?: OutputSpec;
  PackInfo?: PackInfo;
  PictureFacts?: PictureFacts;
  PlanStep?: PlanStep;
  Planned?: Planned;
  Preferences?: Preferences;
  Problem?: Problem;
  PromptLength?: PromptLength;
  PromptText?: PromptText;
  Publication?: Publication;
  Queue?: Queue;
  RenameWorkflow?: RenameWorkflow;
  RequiredModel?: RequiredModel;
  RequiredPack?: RequiredPack;
  Requires?: Requires;
  RunApp?: RunApp;
  RunChecked?: RunChecked;
  RunDetail?: RunDetail;
  RunEvent?: RunEvent;
  RunFinished?: RunFinished;
  RunInfo?: RunInfo;
  RunInterrupted?: RunInterrupted;
  RunMoved?: RunMoved;
  RunPaused?: RunPaused;
  RunQueued?: RunQueued;
  RunResumed?: RunResumed;
  RunStarted?: RunStarted;
  RunsPage?: RunsPage;
  SaveWorkflow?: SaveWorkflow;
  SavedWorkflow?: SavedWorkflow;
  SettingInfo?: SettingInfo;
  StoredFile?: StoredFile;
  Subgraph?: Subgraph;
  SubgraphInput?: SubgraphInput;
  SubgraphOutput?: SubgraphOutput;
  SubmitRun?: SubmitRun;
  Suggestion?: Suggestion;
  SystemInfo?: SystemInfo;
  TokenInfo?: TokenInfo;
  Trashed?: Trashed;
  Uploaded?: Uploaded;
  UploadedPicture?: UploadedPicture;
  Value?: Value;
  Verdict?: Verdict;
  VerifyRequest?: VerifyRequest;
  WebhookKey?: WebhookKey;
  WebhookRequest?: WebhookRequest;
  WorkerInfo?: WorkerInfo;
  Workflow?: Workflow;
  WorkflowChecked?: WorkflowChecked;
  WorkflowDetail?: WorkflowDetail;
  WorkflowInfo?: WorkflowInfo;
  WorkflowNode?: WorkflowNode;
}
/**
 * A published workflow. inputs: JSON Schema of what it takes. problem: why it cannot run now.
 */
export interface AppInfo {
  name: string;
  title: string;
  revision: string;
  owner: string;
  created: number;
  changed: number;
  limits: LimitsOutput;
  inputs: {
    [k: string]: unknown;
  };
  problem: string;
  url: string;
}
/**
 * How much a run may ask for (`server.extent`), how many runs may wait, and how many are taken in a minute, of one
 * caller. None: as much as the server takes.
 */
export interface LimitsOutput {
  pixels: number | null;
  steps: number | null;
  batch: number | null;
  waiting: number | null;
  per_minute: number | null;
}
/**
 * How many runs were asked to end.
 */
export interface Cancelled {
  cancelled: number;
}
/**
 * All node types. revision: changes whenever anything of it does. errors: why a type, or a module, is missing.
 */
export interface CatalogueInfo {
  revision: string;
  nodes: {
    [k: string]: NodeSpec;
  };
  errors: {
    [k: string]: string;
  };
  packs: PackInfo[];
}
/**
 * One node type: everything its signature declares.
 *
 * output: it is wanted for what it writes, so a run starts from it. impure: its result depends on more than its
 * inputs; its fingerprint joins the cache key. lane: where it runs ("device", "cpu", "io"). progress: it reports
 * progress. expands: it may put a graph in its place. by_id: its id counts. services: what the engine lends it.
 * others: what inputs of any other name are like, where a node may have such; None where it may not.
 * replaces: older ids that are read as this one. module: the Python module it is from. pack: the pack that brings it,
 * "" for what ships with the program.
 */
export interface NodeSpec {
  type: string;
  title: string;
  category: string;
  help: string;
  version: number;
  inputs: InputSpec[];
  others: InputSpec | null;
  outputs: OutputSpec[];
  output: boolean;
  impure: boolean;
  lane: string;
  progress: boolean;
  expands: boolean;
  by_id: boolean;
  gradients: boolean;
  deprecated: boolean;
  experimental: boolean;
  services: string[];
  replaces: string[];
  module: string;
  pack: string;
}
/**
 * One input of a node type.
 *
 * type: wire name; several, joined by ",", where more than one is accepted; "*" for anything. A COMBO has `choices`,
 * or a `source`: the folder whose files are the choices. choices_of: what the choices are names of ("samplers"), where
 * packs may add some. required: it has no default and must be given. list: it takes a list. hints: for editors
 * (`step`, `multiline`, `control_after_generate`, …); they never decide whether a value is valid. as_is: what a link
 * brings is taken as it is; only settings are held to type, limits and choices.
 */
export interface InputSpec {
  name: string;
  type: string;
  required: boolean;
  default: unknown;
  minimum: number | null;
  maximum: number | null;
  choices: string[] | null;
  choices_of: string;
  source: string | null;
  list: boolean;
  lazy: boolean;
  optional: boolean;
  as_is: boolean;
  hints: {
    [k: string]: unknown;
  };
  help: string;
}
/**
 * One output of a node type, known to files by `name`.
 */
export interface OutputSpec {
  name: string;
  type: string;
  list: boolean;
}
/**
 * A pack, as clients see it.
 *
 * nodes: the ids under which its node types are used. error: why nothing of it can be used. errors: why a single node
 * type cannot. notes: what a person should know. brings: what else it adds, kind → names. path and traceback: only
 * for those who may do everything.
 */
export interface PackInfo {
  name: string;
  kind: string;
  version: string;
  nodes: string[];
  error: string;
  errors: {
    [k: string]: string;
  };
  notes: string[];
  brings: {
    [k: string]: string[];
  };
  path: string;
  traceback: string;
}
/**
 * A document to be checked: ours, or one of ComfyUI's. outputs: the nodes wanted, if not all output nodes.
 */
export interface CheckRequest {
  workflow: {
    [k: string]: unknown;
  };
  outputs?: string[];
}
/**
 * The names of the files of a folder, as inputs take them.
 */
export interface Choices {
  source: string;
  names: string[];
}
/**
 * Runs by id; none: all that wait.
 */
export interface Chosen {
  /**
   * @maxItems 1000
   */
  runs?: string[];
}
/**
 * A document in our format, as JSON and as the canonical text of a file. problems: what could not be mapped.
 */
export interface Converted {
  workflow: {
    [k: string]: unknown;
  };
  text: string;
  problems: Problem[];
}
/**
 * One thing wrong with a workflow.
 *
 * node: where, a path (`outer/inner`); None: the document itself. input: of that node.
 * subgraph: the definition in which `node` stands, where the problem is in a definition rather than in its uses.
 * message: one sentence with place and value. hint: what to do about it.
 * severity: "error" stops a run; "warning" cannot change what the wanted outputs show.
 */
export interface Problem {
  code:
    | "unknown_key"
    | "wrong_value"
    | "malformed_input"
    | "bad_id"
    | "bad_after_run"
    | "bad_subgraph"
    | "bad_interface"
    | "subgraph_recursion"
    | "too_large"
    | "newer_node"
    | "upgrade_failed"
    | "unknown_type"
    | "unknown_subgraph"
    | "broken_pack"
    | "doubtful_type"
    | "unknown_input"
    | "missing_input"
    | "wrong_type"
    | "out_of_range"
    | "not_a_choice"
    | "missing_file"
    | "substituted_file"
    | "dangling_link"
    | "wrong_link_type"
    | "cycle"
    | "no_output"
    | "unknown_output"
    | "unreadable_part"
    | "duplicate_id"
    | "lost_link"
    | "unmapped_values"
    | "changed_value"
    | "ignored_input"
    | "lost_control"
    | "rewired"
    | "unresolved_text";
  message: string;
  hint: string;
  node: string | null;
  input: string | null;
  subgraph: string | null;
  severity: "error" | "warning";
}
/**
 * A worker that died with the run. node and step: where the run was. reason: a sentence.
 */
export interface Death {
  time: number;
  worker: string;
  node: string;
  step: number;
  reason: string;
}
/**
 * A document: as JSON or as text, or in a file. outputs: the nodes wanted, when it is checked; none: all.
 */
export interface Document {
  workflow?:
    | {
        [k: string]: unknown;
      }
    | string
    | null;
  file?: FileNamed | null;
  outputs?: string[];
}
/**
 * A file by its name, as `/v1/files` has it: a picture that carries a workflow, or a document.
 */
export interface FileNamed {
  kind?: "input" | "output" | "temp";
  name: string;
}
/**
 * A download. present: the model was here already. paused: it can go on when it is asked for again.
 *
 * done, total: bytes; total 0: not known. speed: bytes a second. message: what it waits for, or should be known.
 */
export interface DownloadInfo {
  id: string;
  source: string;
  host: string;
  folder: string;
  name: string;
  state:
    | "queued"
    | "asking"
    | "fetching"
    | "waiting"
    | "verifying"
    | "done"
    | "present"
    | "failed"
    | "cancelled"
    | "paused";
  done: number;
  total: number;
  speed: number;
  licence: string;
  message: string;
  error: ErrorInfo | null;
}
/**
 * What went wrong. code: in snake case. problems: all of them, where there are several.
 */
export interface ErrorInfo {
  code: string;
  message: string;
  hint: string;
  problems: {
    [k: string]: unknown;
  }[];
}
/**
 * A model to be fetched. consent: that the source's host is asked at all; needed once for each host.
 */
export interface DownloadRequest {
  /**
   * https://…, hf:owner/repo/file@revision
   */
  source: string;
  /**
   * the folder of models it belongs in; empty: seen from the file
   */
  folder?: string;
  /**
   * its name in that folder; empty: as the source names it
   */
  name?: string;
  /**
   * the digest it must have, in hex
   */
  sha256?: string;
  /**
   * put it over another file of that name
   */
  replace?: boolean;
  consent?: boolean;
}
/**
 * A draft, whole. document: as it was put.
 */
export interface DraftDetail {
  id: string;
  title: string;
  name: string;
  base: string | null;
  modified: number;
  size: number;
  revision: string;
  document: {
    [k: string]: unknown;
  };
}
/**
 * A draft, in short. modified: seconds since 1970. size: in bytes. revision: of its content.
 */
export interface DraftInfo {
  id: string;
  title: string;
  name: string;
  base: string | null;
  modified: number;
  size: number;
  revision: string;
}
/**
 * The body of every answer from 400 on.
 */
export interface ErrorAnswer {
  error: ErrorInfo;
}
/**
 * An event of a run. event: its kind, which says what else it holds. seq: 0, 1, 2, … time: seconds since 1970.
 */
export interface EventInfo {
  event: string;
  run: string;
  seq: number;
  time: number;
  [k: string]: unknown;
}
/**
 * Why a run failed: the first node that did. node: its path, "" where no node is to blame.
 */
export interface Failure {
  node: string;
  code: string;
  message: string;
  hint: string;
}
/**
 * How the field of an input is set up: narrower limits, another step, fewer choices.
 */
export interface FieldLayout {
  minimum?: number;
  maximum?: number;
  step?: number;
  filter?: string;
  [k: string]: unknown;
}
/**
 * A file a run wrote. kind: of folder. name: its path in it. url: where it can be fetched.
 */
export interface FileInfo {
  node: string;
  kind: string;
  name: string;
  url: string;
}
/**
 * A page of files. total: of all pages. next: `after` of the next page; empty: this is the last.
 */
export interface FileList {
  files: StoredFile[];
  total: number;
  next: string;
}
/**
 * A file. name: its path in the folder of its kind. modified: seconds since 1970. url: of its content; thumbnail:
 * of a small picture of it, empty for what is no picture.
 */
export interface StoredFile {
  kind: "input" | "output" | "temp";
  name: string;
  size: number;
  modified: number;
  media_type: string;
  url: string;
  thumbnail: string;
}
/**
 * Models a text may mean. how: by what they were found. suggestion: where there is none, what may be meant.
 */
export interface Finding {
  how: "name" | "digest" | "text" | "nothing";
  models: ModelInfo[];
  suggestion: string;
}
/**
 * A model file. name: its path in its folder, as workflows name it. family: of its base model, "" not known.
 *
 * side: pixels a side of the square pictures a checkpoint makes best, 0 not known. own: it lies where it may be
 * removed from. licence, source, sha256: of its card, "" without one.
 */
export interface ModelInfo {
  folder: string;
  name: string;
  /**
   * bytes
   */
  size: number;
  /**
   * seconds since 1970
   */
  modified: number;
  family: string;
  side: number;
  own: boolean;
  licence: string;
  source: string;
  sha256: string;
}
export interface Frame {
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  color?: string;
  id?: string;
  title?: string;
  nodes?: string[];
  frames?: string[];
  [k: string]: unknown;
}
/**
 * What workers give back: weights that nobody uses at the moment, results held in memory.
 */
export interface Freeing {
  models?: boolean;
  results?: boolean;
}
/**
 * How the server is. reasons: why it is degraded, for those who may know.
 */
export interface Health {
  status: "ok" | "degraded";
  reasons: string[];
}
/**
 * The machine. Memory and disk in bytes; the disk is that of the data folder. None: it cannot be told.
 */
export interface Host {
  platform: string;
  python: string;
  cores: number;
  memory_total: number | null;
  memory_available: number | null;
  disk_total: number | null;
  disk_free: number | null;
}
export interface Link {
  link: LinkOrigin;
}
/**
 * Any JSON value; the only way to give an object.
 */
export interface Value {
  value: unknown;
}
export interface Interface {
  inputs?: InterfaceInput[];
  outputs?: InterfaceOutput[];
  [k: string]: unknown;
}
export interface InterfaceInput {
  name: string;
  node: string;
  input: string;
  label?: string;
  help?: string;
  [k: string]: unknown;
}
export interface InterfaceOutput {
  node: string;
  output?: string;
  name?: string;
  label?: string;
  [k: string]: unknown;
}
/**
 * A draft to be kept. revision: of the draft whose place it takes; none: there is none of that id yet.
 */
export interface KeepDraft {
  document: {
    [k: string]: unknown;
  };
  name?: string;
  title?: string;
  base?: string | null;
  revision?: string | null;
}
/**
 * Where things stand on the canvas. It never affects a result.
 */
export interface Layout {
  nodes?: {
    [k: string]: NodeLayout;
  };
  frames?: Frame[];
  notes?: Note[];
  [k: string]: unknown;
}
export interface NodeLayout {
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  color?: string;
  collapsed?: boolean;
  pinned?: boolean;
  fields?: {
    [k: string]: FieldLayout;
  };
  [k: string]: unknown;
}
export interface Note {
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  color?: string;
  text?: string;
  node?: string;
  [k: string]: unknown;
}
/**
 * How much a run may ask for (`server.extent`), how many runs may wait, and how many are taken in a minute, of one
 * caller. None: as much as the server takes.
 */
export interface LimitsInput {
  pixels?: number | null;
  steps?: number | null;
  batch?: number | null;
  waiting?: number | null;
  per_minute?: number | null;
}
/**
 * A line of the log, without secrets. time: seconds since 1970.
 */
export interface LogLine {
  number: number;
  time: number;
  level: string;
  logger: string;
  text: string;
}
/**
 * The last lines of the log, the oldest first. last: the number to ask after next time; -1: nothing was logged.
 */
export interface LogPage {
  lines: LogLine[];
  last: number;
}
/**
 * A token to be exchanged for a cookie.
 */
export interface Login {
  token: string;
}
/**
 * A token that was just made. It is told here and never again.
 */
export interface MadeToken {
  id: string;
  name: string;
  scopes: string[];
  owner: string;
  created: number;
  used: number | null;
  expires: number | null;
  token: string;
}
/**
 * The caller. owner: whose rows are the caller's. token: the name of its token. protected: tokens are asked for.
 */
export interface Me {
  owner: string;
  scopes: string[];
  token: string;
  protected: boolean;
}
/**
 * Another place in the line. position: among those of one priority, lower goes first. front: before all others.
 */
export interface Move {
  priority?: number | null;
  position?: number | null;
  front?: boolean;
}
/**
 * Less than an input takes by itself. minimum, maximum: of a number. longest: of a text, in characters. choices:
 * some of those there are; of a model, the files that may be named: only the workflow's own where nothing is said.
 */
export interface Narrowing {
  minimum?: number | null;
  maximum?: number | null;
  longest?: number | null;
  choices?: string[] | null;
}
/**
 * A token to be made. days: how long it holds; none: until it is revoked.
 */
export interface NewToken {
  name: string;
  /**
   * @minItems 1
   * @maxItems 100
   */
  scopes: [string, ...string[]];
  days?: number | null;
}
export interface NodeFailed {
  event: "node_failed";
  run: string;
  seq: number;
  time: number;
  node: string;
  code: string;
  message: string;
  hint: string;
}
export interface NodeFinished {
  event: "node_finished";
  run: string;
  seq: number;
  time: number;
  node: string;
  reused: ("memory" | "disk") | null;
  seconds: number;
  outputs: {
    [k: string]: unknown;
  };
}
export interface NodeMessage {
  event: "node_message";
  run: string;
  seq: number;
  time: number;
  node: string;
  kind: string;
  data: unknown;
}
export interface NodePreview {
  event: "node_preview";
  run: string;
  seq: number;
  time: number;
  node: string;
  mime: string;
  whole: boolean;
}
export interface NodeProgress {
  event: "node_progress";
  run: string;
  seq: number;
  time: number;
  node: string;
  done: number;
  total: number;
}
/**
 * What came of one node. outputs: what it shows. error: why it failed. because: the node it was skipped for.
 */
export interface NodeReport {
  state: "running" | "finished" | "failed" | "skipped";
  reused: ("memory" | "disk") | null;
  seconds: number;
  outputs: {
    [k: string]: unknown;
  };
  error: Failure | null;
  because: string;
  done: number;
  total: number;
}
export interface NodeSkipped {
  event: "node_skipped";
  run: string;
  seq: number;
  time: number;
  node: string;
  because: string;
  reason: string;
}
export interface NodeStarted {
  event: "node_started";
  run: string;
  seq: number;
  time: number;
  node: string;
}
/**
 * Nodes by id. An id is any text without '/'.
 */
export interface Nodes {
  [k: string]: WorkflowNode;
}
export interface WorkflowNode {
  /**
   * The node type, or subgraph/NAME.
   */
  type: string;
  /**
   * Of the node type; 1 if left out.
   */
  version?: number;
  title?: string;
  /**
   * mute: as if absent. bypass: inputs pass through.
   */
  mode?: "mute" | "bypass";
  inputs?: {
    [k: string]: InputValue;
  };
  /**
   * How a client changes whole-number inputs after each run.
   */
  after_run?: {
    [k: string]: "random" | "increment" | "decrement";
  };
  [k: string]: unknown;
}
/**
 * What a picture says of itself. documents: by key, the texts it carries of how it was made, as they stand in it:
 * `noisewright` (a workflow), `noisewright_run` (a run record), `prompt` and `workflow` (ComfyUI), `parameters`.
 */
export interface PictureFacts {
  width: number;
  height: number;
  mode: string;
  format: string;
  frames: number;
  documents: {
    [k: string]: string;
  };
}
/**
 * What would be done with one node, and why.
 */
export interface PlanStep {
  node: string;
  action: string;
  why: string;
  seconds: number | null;
  type: string;
}
/**
 * What a run would do now. unneeded: nodes whose results are not needed, since what is made of them is reused.
 * warnings: what a person should know beforehand, such as that weights do not fit into memory.
 */
export interface Planned {
  steps: PlanStep[];
  unneeded: string[];
  wanted: string[];
  warnings: string[];
}
/**
 * Whatever a client wants to find again: an object, kept for the person and given back as it was.
 */
export interface Preferences {
  [k: string]: unknown;
}
/**
 * tokens: without begin, end and filling. chunks: of at most 75 tokens, in which the text encoder reads; at least
 * one. uncounted: embeddings that the prompt names whose length is not known, or that are not there; each counts as 1.
 */
export interface PromptLength {
  tokens: number;
  chunks: number;
  uncounted: string[];
}
/**
 * text: a prompt, with its weights and embeddings.
 */
export interface PromptText {
  text: string;
}
/**
 * A workflow to be published. Give a document, or the name of a saved workflow: a copy of it is kept.
 *
 * fields: by name of the interface, less than its input takes. metadata: what pictures tell of how they were made;
 * "full" tells the whole workflow. revision: the one that is replaced; none: whichever there is.
 */
export interface Publication {
  workflow?: {
    [k: string]: unknown;
  } | null;
  name?: string;
  title?: string;
  limits?: LimitsInput;
  fields?: {
    [k: string]: Narrowing;
  };
  metadata?: "full" | "minimal" | "none";
  revision?: string | null;
}
/**
 * The line. paused: nothing is begun. running and waiting: in order, the waiting ones in part (`next`).
 */
export interface Queue {
  paused: boolean;
  running: RunInfo[];
  waiting: RunInfo[];
  waiting_count: number;
  /**
   * where the next page begins; empty: there is none
   */
  next: string;
}
/**
 * A run, in short. ahead: how many wait before it. progress: of the node at work.
 */
export interface RunInfo {
  id: string;
  state: "waiting" | "paused" | "running" | "done" | "failed" | "cancelled";
  title: string;
  owner: string;
  app: string;
  priority: number;
  position: number;
  interactive: boolean;
  private: boolean;
  created: number;
  started: number | null;
  finished: number | null;
  seconds: number;
  error: Failure | null;
  files: FileInfo[];
  /**
   * as text: they may be larger than 2^53
   */
  seeds: {
    [k: string]: string;
  };
  labels: {
    [k: string]: string;
  };
  /**
   * how often it was begun; more than once if it was paused or interrupted
   */
  starts: number;
  worker: string;
  retry_of: string;
  ahead: number;
  /**
   * the number of its last event; -1: none yet
   */
  last_event: number;
  nodes_done: number;
  nodes_planned: number;
  current: string;
  done: number;
  total: number;
}
/**
 * name: the new one. revision: the one that is renamed; none: whichever there is.
 */
export interface RenameWorkflow {
  name: string;
  revision?: string | null;
}
export interface RequiredModel {
  sha256?: string;
  /**
   * In bytes.
   */
  size?: number;
  folder?: string;
  url?: string;
  [k: string]: unknown;
}
export interface RequiredPack {
  version?: string;
  url?: string;
  [k: string]: unknown;
}
/**
 * What the workflow was made with, so that it can be found again.
 */
export interface Requires {
  models?: {
    [k: string]: RequiredModel;
  };
  packs?: {
    [k: string]: RequiredPack;
  };
  [k: string]: unknown;
}
/**
 * A run of a published workflow. inputs: by name of its interface; what is left out keeps its default.
 */
export interface RunApp {
  inputs?: {
    [k: string]: unknown;
  };
  /**
   * nothing of it is kept but the files it writes
   */
  private?: boolean;
  /**
   * for the caller's own use
   */
  labels?: {
    [k: string]: string;
  };
  /**
   * who is told when the run is over
   */
  webhook?: WebhookRequest | null;
}
/**
 * Where a message goes when the run is over. url: http or https, of the open internet. secret: `whsec_` and the
 * base64 of 24 to 64 bytes, with which it is signed; none: the caller's own key, which GET /v1/webhook-key tells.
 */
export interface WebhookRequest {
  url: string;
  secret?: string | null;
}
/**
 * All that is wrong. ok: it can run; there may be warnings.
 */
export interface RunChecked {
  ok: boolean;
  problems: Problem[];
}
/**
 * A run with all that is kept of it.
 */
export interface RunDetail {
  id: string;
  state: "waiting" | "paused" | "running" | "done" | "failed" | "cancelled";
  title: string;
  owner: string;
  app: string;
  priority: number;
  position: number;
  interactive: boolean;
  private: boolean;
  created: number;
  started: number | null;
  finished: number | null;
  seconds: number;
  error: Failure | null;
  files: FileInfo[];
  /**
   * as text: they may be larger than 2^53
   */
  seeds: {
    [k: string]: string;
  };
  labels: {
    [k: string]: string;
  };
  /**
   * how often it was begun; more than once if it was paused or interrupted
   */
  starts: number;
  worker: string;
  retry_of: string;
  ahead: number;
  /**
   * the number of its last event; -1: none yet
   */
  last_event: number;
  nodes_done: number;
  nodes_planned: number;
  current: string;
  done: number;
  total: number;
  workflow: {
    [k: string]: unknown;
  };
  outputs: string[];
  nodes: {
    [k: string]: NodeReport;
  };
  deaths: Death[];
  models: string[];
}
export interface RunQueued {
  event: "run_queued";
  run: string;
  seq: number;
  time: number;
}
export interface RunStarted {
  event: "run_started";
  run: string;
  seq: number;
  time: number;
  plan: PlanStep[];
}
export interface RunFinished {
  event: "run_finished";
  run: string;
  seq: number;
  time: number;
  status: "done" | "failed" | "cancelled";
  seconds: number;
  error?: Failure | null;
}
export interface RunPaused {
  event: "run_paused";
  run: string;
  seq: number;
  time: number;
  by: "user" | "run";
}
export interface RunResumed {
  event: "run_resumed";
  run: string;
  seq: number;
  time: number;
  worker: string;
}
export interface RunMoved {
  event: "run_moved";
  run: string;
  seq: number;
  time: number;
  priority: number;
  position: number;
}
export interface RunInterrupted {
  event: "run_interrupted";
  run: string;
  seq: number;
  time: number;
  reason: string;
}
/**
 * Some runs. next: where the next page begins; empty: this is the last.
 */
export interface RunsPage {
  runs: RunInfo[];
  next: string;
  total: number;
}
/**
 * A workflow to be saved. workflow: a document, ours or another program's, as JSON or as its text. revision: the
 * one that was changed; none: there is no workflow of that name yet. overwrite: whatever there is.
 */
export interface SaveWorkflow {
  workflow:
    | {
        [k: string]: unknown;
      }
    | string;
  revision?: string | null;
  overwrite?: boolean;
}
/**
 * A workflow that was saved. problems: what of another program's document could not be mapped.
 */
export interface SavedWorkflow {
  name: string;
  title: string;
  modified: number;
  size: number;
  revision: string;
  is_template: boolean;
  folder: string;
  picture: string;
  problems: Problem[];
}
/**
 * A setting, for admins. value: JSON; of a secret "***" if it is set, else None. origin: see `Settings.origin`.
 */
export interface SettingInfo {
  name: string;
  value: unknown;
  default: unknown;
  origin: string;
  flag: string;
  variable: string;
  description: string;
}
export interface Subgraph {
  title?: string;
  inputs?: SubgraphInput[];
  outputs?: SubgraphOutput[];
  nodes?: Nodes;
  layout?: Layout;
  [k: string]: unknown;
}
export interface SubgraphInput {
  name: string;
  /**
   * A wire name such as "IMAGE"; several joined by ","; "*" for anything.
   */
  type?: string;
  to?: [string, string][];
  [k: string]: unknown;
}
export interface SubgraphOutput {
  name: string;
  /**
   * A wire name such as "IMAGE"; several joined by ","; "*" for anything.
   */
  type?: string;
  from: LinkOrigin;
  [k: string]: unknown;
}
/**
 * A run to be accepted. Give a document, or the name of a saved workflow or template.
 *
 * workflow: our document, ComfyUI's API JSON or its editor's JSON. name: of a saved workflow ("portraits/anna"), or
 * "templates/…". settings: inputs to change: by name of the interface, "NODE.INPUT", or an input only one node has.
 * outputs: the ids of the nodes wanted; none: all output nodes.
 */
export interface SubmitRun {
  workflow?: {
    [k: string]: unknown;
  } | null;
  name?: string;
  settings?: {
    [k: string]: unknown;
  };
  outputs?: string[];
  title?: string;
  priority?: number;
  /**
   * before all others of its priority
   */
  front?: boolean;
  /**
   * somebody waits for it: it may pause a run that is not
   */
  interactive?: boolean;
  /**
   * nothing of it is kept but the files it writes
   */
  private?: boolean;
  /**
   * accept it, but let it wait until it is resumed
   */
  paused?: boolean;
  metadata?: ("full" | "minimal" | "none") | null;
  /**
   * for the caller's own use
   */
  labels?: {
    [k: string]: string;
  };
  /**
   * an editor's document, to be carried by pictures
   */
  client_workflow?: {
    [k: string]: unknown;
  } | null;
  /**
   * who is told when the run is over
   */
  webhook?: WebhookRequest | null;
}
/**
 * A starting point, seen from here. runs: whether this program can run it now.
 */
export interface Suggestion {
  title: string;
  source: string;
  folder: string;
  family: string;
  size_gb: number;
  memory_gb: number;
  licence: string;
  good_for: string;
  runs: boolean;
}
/**
 * The server and its machine. memory: resident bytes of the server's own process. runs: state → how many are not
 * over. held: nothing is begun.
 */
export interface SystemInfo {
  version: string;
  started: number;
  uptime: number;
  memory: number | null;
  host: Host;
  workers: WorkerInfo[];
  catalogue: string;
  node_types: number;
  packs: number;
  runs: {
    [k: string]: number;
  };
  held: boolean;
}
/**
 * A worker, as clients see it. aside: its device failed; it is tried again. held: names of files whose weights are
 * in memory.
 */
export interface WorkerInfo {
  name: string;
  device: string;
  state: "starting" | "idle" | "busy" | "aside" | "stopped";
  run: string;
  pid: number | null;
  held: string[];
  facts: {
    [k: string]: unknown;
  };
  restarts: number;
  failures: number;
  problem: string;
}
/**
 * A token, without itself. Times are Unix seconds. used: when it was last, to the minute. expires: null: never.
 */
export interface TokenInfo {
  id: string;
  name: string;
  scopes: string[];
  owner: string;
  created: number;
  used: number | null;
  expires: number | null;
}
/**
 * id: by which the workflow can be restored.
 */
export interface Trashed {
  id: string;
}
/**
 * A file that was sent. is_new: False where a file of that name and content was there. sha256: of its content.
 * width, height: in pixels; 0 for what is no picture.
 */
export interface Uploaded {
  kind: "input" | "output" | "temp";
  name: string;
  size: number;
  modified: number;
  media_type: string;
  url: string;
  thumbnail: string;
  is_new: boolean;
  sha256: string;
  width: number;
  height: number;
}
/**
 * A picture that was sent. name: what inputs call it. width, height: in pixels.
 */
export interface UploadedPicture {
  name: string;
  width: number;
  height: number;
}
/**
 * Whether a file is whole. ok: as it was fetched; unknown: it looks whole, but nobody said what it is to be.
 */
export interface Verdict {
  folder: string;
  name: string;
  state: "ok" | "unknown" | "damaged" | "unreadable";
  message: string;
}
/**
 * models: names, with their folder where it takes that; none: all there are.
 */
export interface VerifyRequest {
  /**
   * @maxItems 1000
   */
  models?: string[];
}
/**
 * The key with which messages to a caller are signed where the request brings none.
 */
export interface WebhookKey {
  /**
   * whsec_ and base64, as libraries of Standard Webhooks take it
   */
  key: string;
}
/**
 * A workflow of noisewright, version 1 of the format.
 */
export interface Workflow {
  format: "noisewright/workflow";
  /**
   * Of this format.
   */
  version: number;
  title?: string;
  nodes?: Nodes;
  /**
   * Definitions by name, used as node type subgraph/NAME.
   */
  subgraphs?: {
    [k: string]: Subgraph;
  };
  interface?: Interface;
  layout?: Layout;
  requires?: Requires;
  [k: string]: unknown;
}
/**
 * What is wrong with a document. can_run: whether nothing of it stops a run.
 */
export interface WorkflowChecked {
  can_run: boolean;
  problems: Problem[];
}
/**
 * A workflow. document: in our format. problems: what could not be mapped where the file is of another program.
 */
export interface WorkflowDetail {
  name: string;
  title: string;
  modified: number;
  size: number;
  revision: string;
  is_template: boolean;
  folder: string;
  picture: string;
  document: {
    [k: string]: unknown;
  };
  problems: Problem[];
}
/**
 * A saved workflow, in short.
 *
 * name: with its folder, without ending. title: as the document says. modified: seconds since 1970. revision: of its
 * content. folder: the part of the name before the last `/`. picture: the address of what it makes; "": there is none.
 */
export interface WorkflowInfo {
  name: string;
  title: string;
  modified: number;
  size: number;
  revision: string;
  is_template: boolean;
  folder: string;
  picture: string;
}
