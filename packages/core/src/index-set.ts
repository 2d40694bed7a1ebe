// A set of completion indexes as sorted, disjoint, non-adjacent intervals: cost follows intervals.

export interface IndexInterval {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** R57: a run of three or more is written `a-b`, of two `a,b`. */
const RUN_WRITTEN_AS_INTERVAL = 3;

/** The one piece `a` or `a-b` of a list; `undefined` when it can't be read. */
function parsePiece(piece: string): IndexInterval | undefined {
  const match = /^\+?(\d+)(?:-\+?(\d+))?$/.exec(piece);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return last < first ? undefined : { first, last };
}

/** Sorted, disjoint and merged from intervals in any order. */
function normalise(intervals: readonly IndexInterval[]): IndexInterval[] {
  const sorted = intervals.every((one, i) => i === 0 || intervals[i - 1]!.first <= one.first)
    ? intervals
    : [...intervals].sort((a, b) => a.first - b.first);
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of sorted) {
    const open = merged.at(-1);
    if (open !== undefined && first <= open.last + 1) open.last = Math.max(open.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

/** Immutable. */
export class IndexSet {
  readonly intervals: readonly IndexInterval[];
  /** Number of indexes. */
  readonly size: number;

  private constructor(intervals: readonly IndexInterval[]) {
    this.intervals = intervals;
    this.size = intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  static readonly empty = new IndexSet([]);

  /** From indexes in any order, repeated or not; each an integer >= 0. */
  static of(indexes: Iterable<number>): IndexSet {
    const intervals = Array.from(indexes, (index) => ({ first: index, last: index }));
    return intervals.length === 0 ? IndexSet.empty : new IndexSet(normalise(intervals));
  }

  /**
   * R58, R59: reads `completedIndexes` or `failedIndexes` leniently. Pieces that can't be read are
   * skipped; reading stops at the first piece that starts at `bound` or above; ends are cut to it.
   */
  static parse(text: string | undefined, bound: number): IndexSet {
    if (text === undefined || text === "") return IndexSet.empty;
    const intervals: IndexInterval[] = [];
    for (const piece of text.split(",")) {
      const interval = parsePiece(piece);
      if (interval === undefined) continue;
      if (interval.first >= bound) break;
      intervals.push({ first: interval.first, last: Math.min(interval.last, bound - 1) });
    }
    return new IndexSet(normalise(intervals));
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.intervals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { first, last } = this.intervals[middle]!;
      if (index < first) high = middle - 1;
      else if (index > last) low = middle + 1;
      else return true;
    }
    return false;
  }

  union(other: IndexSet): IndexSet {
    if (other.size === 0) return this;
    if (this.size === 0) return other;
    const both: IndexInterval[] = [];
    let mine = 0;
    let theirs = 0;
    while (mine < this.intervals.length || theirs < other.intervals.length) {
      const a = this.intervals[mine];
      const b = other.intervals[theirs];
      if (b === undefined || (a !== undefined && a.first <= b.first)) {
        both.push(a!);
        mine += 1;
      } else {
        both.push(b);
        theirs += 1;
      }
    }
    return new IndexSet(normalise(both));
  }

  /** How many indexes are in both. */
  intersectionSize(other: IndexSet): number {
    let common = 0;
    let mine = 0;
    let theirs = 0;
    while (mine < this.intervals.length && theirs < other.intervals.length) {
      const a = this.intervals[mine]!;
      const b = other.intervals[theirs]!;
      common += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1);
      if (a.last < b.last) mine += 1;
      else theirs += 1;
    }
    return common;
  }

  /** The lowest `count` indexes below `bound` that are not in the set, ascending. */
  lowestMissing(count: number, bound: number): number[] {
    const missing: number[] = [];
    let next = 0;
    for (const { first, last } of this.intervals) {
      for (; next < Math.min(first, bound) && missing.length < count; next += 1) missing.push(next);
      if (missing.length >= count || first >= bound) return missing;
      next = last + 1;
    }
    for (; next < bound && missing.length < count; next += 1) missing.push(next);
    return missing;
  }

  /** R57: ascending, e.g. `0-2,4,6,7`. */
  toString(): string {
    return this.intervals
      .map(({ first, last }) => {
        if (first === last) return `${first}`;
        const run = last - first + 1;
        return run >= RUN_WRITTEN_AS_INTERVAL ? `${first}-${last}` : `${first},${last}`;
      })
      .join(",");
  }
}
