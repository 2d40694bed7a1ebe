// Columns of a Table and the contract of a printer: what it shows of one kind.

export interface ColumnDefinition {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean" | "number";
  readonly format: string;
  readonly description: string;
  /** 0 always shown, 1 only by `-o wide`. */
  readonly priority: 0 | 1;
}

export type Cell = string | number | boolean;

export interface RowCondition {
  readonly type: "Completed";
  readonly status: "True";
  readonly reason: string;
  readonly message: string;
}

/** One kind's columns and how an object of it fills them: one cell a column, in order. */
export interface Printer<T> {
  readonly columns: readonly ColumnDefinition[];
  cells(object: T, nowMs: number): readonly Cell[];
  /** Marks the row of an object that is over. */
  conditions?(object: T): readonly RowCondition[] | undefined;
}

type Extra = Partial<Pick<ColumnDefinition, "type" | "format">>;

export const column = (name: string, description: string, extra: Extra = {}): ColumnDefinition => ({
  name,
  type: "string",
  format: "",
  ...extra,
  description,
  priority: 0,
});

export const wideColumn = (name: string, description: string): ColumnDefinition => ({
  ...column(name, description),
  priority: 1,
});

export const nameColumn = column("Name", "Name of the object, unique within its namespace.", {
  format: "name",
});

export const ageColumn = column("Age", "Time since the object was created.");

export const NONE = "<none>";

/** Containers and Images of a Pod template, joined without spaces. */
export const containerCells = (
  containers: readonly { name?: string | undefined; image?: string | undefined }[] | undefined,
): readonly [names: string, images: string] => [
  (containers ?? []).map((container) => container.name ?? "").join(","),
  (containers ?? []).map((container) => container.image ?? "").join(","),
];

export const containerColumns = [
  wideColumn("Containers", "Names of the containers in the Pod template."),
  wideColumn("Images", "Images of the containers in the Pod template."),
] as const;
