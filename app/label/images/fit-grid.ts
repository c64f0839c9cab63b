export type Grid = {
  columns: number;
  /** Of one image, px. */
  width: number;
  height: number;
};

/**
 * The grid in which `count` images of one shape are largest within a room. Where they would be
 * narrower than `widthMin`, as many columns as are that wide, and the rows overflow the room's
 * height.
 *
 * @param aspect width divided by height of an image
 * @param gap between two images, px
 */
export function fitGrid(options: {
  room: { width: number; height: number };
  count: number;
  aspect: number;
  gap: number;
  widthMin: number;
  widthMax: number;
}): Grid {
  const { room, count, aspect, gap, widthMin, widthMax } = options;
  const across = (columns: number) => (room.width - (columns - 1) * gap) / columns;
  const rowsOf = (columns: number) => Math.ceil(count / columns);
  const widthIn = (columns: number) => {
    const rows = rowsOf(columns);
    const down = (room.height - (rows - 1) * gap) / rows;
    return Math.min(across(columns), down * aspect, widthMax);
  };
  const all = Array.from({ length: count }, (_, index) => index + 1);
  const widest = Math.max(...all.map(widthIn));
  // Among grids of almost the same size the one with the fewest empty places, then with the fewest
  // columns.
  const empty = (columns: number) => rowsOf(columns) * columns - count;
  const [best = 1] = all
    .filter((columns) => widthIn(columns) >= 0.97 * widest)
    .sort((a, b) => empty(a) - empty(b) || a - b);
  if (widest >= widthMin) return gridOf(best, widthIn(best), aspect);
  const fitting = Math.floor((room.width + gap) / (widthMin + gap));
  const columns = Math.min(count, Math.max(1, fitting));
  return gridOf(columns, across(columns), aspect);
}

/** Whole pixels, so that no column breaks into the next row by rounding. */
function gridOf(columns: number, width: number, aspect: number): Grid {
  const whole = Math.max(1, Math.floor(width));
  return { columns, width: whole, height: Math.max(1, Math.floor(whole / aspect)) };
}
