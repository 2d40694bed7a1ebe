// Prints the server's tables as kubectl does: columns padded, three spaces between.
import type { ApiObject } from "@gantry/sdk";

/** `meta.k8s.io/v1` Table, as far as it is printed. */
export interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: ApiObject }[];
  readonly metadata?: { readonly resourceVersion?: string };
}

export interface TableStyle {
  /** Columns of lower priority too. */
  readonly wide: boolean;
  /** A column with each row's namespace. */
  readonly namespaces: boolean;
  readonly headers: boolean;
  /** Stands before each name, `jobs/`. */
  readonly prefix: string;
}

const GAP = "   ";

export function formatTable(table: Table, style: TableStyle): string {
  const lines = textRows(table, style, style.headers);
  return format(lines, widthsOf(lines));
}

/** Rows that come one after another, in columns as wide as the first rows needed. */
export class TableWriter {
  readonly #write: (text: string) => void;
  readonly #style: TableStyle;
  #columns: Table["columnDefinitions"] = [];
  #widths: number[] = [];
  #started = false;

  constructor(write: (text: string) => void, style: TableStyle) {
    this.#write = write;
    this.#style = style;
  }

  add(table: Table): void {
    // Only the first table of a watch carries the columns.
    if (table.columnDefinitions?.length > 0) this.#columns = table.columnDefinitions;
    if (table.rows.length === 0) return;
    const headers = this.#style.headers && !this.#started;
    const rows = textRows({ ...table, columnDefinitions: this.#columns }, this.#style, headers);
    this.#started = true;
    widthsOf(rows).forEach((width, index) => {
      this.#widths[index] = Math.max(width, this.#widths[index] ?? 0);
    });
    this.#write(format(rows, this.#widths));
  }
}

function textRows(table: Table, style: TableStyle, headers: boolean): string[][] {
  const shown = table.columnDefinitions
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => style.wide || (column.priority ?? 0) === 0);
  const head = shown.map(({ column }) => column.name.toUpperCase());
  const rows = table.rows.map((row) => {
    const cells = shown.map(({ index }) => cellText(row.cells[index]));
    if (style.prefix !== "") cells[0] = style.prefix + cells[0];
    return style.namespaces ? [row.object?.metadata?.namespace ?? "", ...cells] : cells;
  });
  if (!headers) return rows;
  return [style.namespaces ? ["NAMESPACE", ...head] : head, ...rows];
}

const cellText = (cell: unknown): string =>
  cell === null || cell === undefined || cell === ""
    ? "<none>"
    : typeof cell === "object"
      ? JSON.stringify(cell)
      : `${cell as string | number | boolean}`;

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  }
  return widths;
}

const format = (rows: readonly (readonly string[])[], widths: readonly number[]): string =>
  rows
    .map((row) => {
      const cells = row.map((cell, index) => cell.padEnd(widths[index] ?? 0));
      return `${cells.join(GAP).trimEnd()}\n`;
    })
    .join("");
