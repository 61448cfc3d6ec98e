/** What happens when: a binary heap ordered by time, and by order of insertion at equal times. */

interface Entry {
  readonly timeMs: number;
  readonly order: number;
  readonly run: () => void;
}

export interface Queue {
  readonly push: (timeMs: number, run: () => void) => void;
  /** The earliest entry, or null when nothing is left. */
  readonly pop: () => Entry | null;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}

export function emptyQueue(): Queue {
  const heap: Entry[] = [];
  let order = 0;
  return {
    push: (timeMs, run) => {
      order += 1;
      heap.push({ timeMs, order, run });
      siftUp(heap);
    },
    pop: () => {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return null;
      if (heap.length > 0) {
        heap[0] = last;
        siftDown(heap);
      }
      return first;
    },
  };
}

function siftUp(heap: Entry[]): void {
  let index = heap.length - 1;
  while (index > 0) {
    const above = (index - 1) >> 1;
    if (!swapIfBefore(heap, index, above)) return;
    index = above;
  }
}

function siftDown(heap: Entry[]): void {
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const right = left + 1;
    const child = isChildBefore(heap, right, left) ? right : left;
    if (child >= heap.length || !swapIfBefore(heap, child, index)) return;
    index = child;
  }
}

function isChildBefore(heap: readonly Entry[], right: number, left: number): boolean {
  const a = heap[right];
  const b = heap[left];
  return a !== undefined && b !== undefined && isBefore(a, b);
}

function swapIfBefore(heap: Entry[], lower: number, upper: number): boolean {
  const a = heap[lower];
  const b = heap[upper];
  if (a === undefined || b === undefined || !isBefore(a, b)) return false;
  heap[lower] = b;
  heap[upper] = a;
  return true;
}
