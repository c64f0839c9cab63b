/**
 * @file Line plots as SVG: labelled axes, a legend, intervals as bands or whiskers, on white so
 * that dark pages show them too.
 */

export interface PlotPoint {
  x: number;
  y: number;
  /** Ends of the interval of y, where there is one. */
  low?: number;
  high?: number;
}

export interface Series {
  name: string;
  points: readonly PlotPoint[];
  /** How intervals are drawn; `whiskers` unless told. */
  interval?: 'band' | 'whiskers';
  /** Points alone, without the line between them. */
  scattered?: boolean;
}

export interface Plot {
  title: string;
  x: string;
  y: string;
  series: readonly Series[];
  /** Each doubling of x takes as much room as the one before. */
  logarithmic?: boolean;
  /** What y must at least span. */
  span?: readonly [number, number];
  /** A vertical line and what it says. */
  marks?: readonly { x: number; label: string; series: number }[];
}

/**
 * Told apart by people who see colours differently (Okabe and Ito), darkened for a white ground.
 */
const colours = [
  '#0072b2',
  '#d55e00',
  '#00795a',
  '#b0518c',
  '#8a6d00',
  '#3a3a3a',
  '#3d8fc4',
  '#7a3b00',
];
const panel = { width: 460, height: 300, left: 58, right: 16, top: 30, bottom: 44 };
const legendLine = 16;

/** Plots side by side under one legend; series are told apart by their place in each plot. */
export function writePlots(plots: readonly Plot[], columns = 1): string {
  const names = [...new Set(plots.flatMap(({ series }) => series.map(({ name }) => name)))];
  const across = Math.min(columns, plots.length);
  const rows = Math.ceil(plots.length / across);
  const perLine = Math.max(1, Math.floor((across * panel.width) / 150));
  const legendHeight = Math.ceil(names.length / perLine) * legendLine + 12;
  const [width, height] = [across * panel.width, rows * panel.height + legendHeight];
  const colourOf = (name: string) => colours[names.indexOf(name) % colours.length]!;
  const body = plots.map((plot, i) => {
    const [left, top] = [(i % across) * panel.width, Math.floor(i / across) * panel.height];
    return `<g transform="translate(${left} ${top})">\n${drawPanel(plot, colourOf)}\n</g>`;
  });
  const legend = names.map((name, i) => {
    const left = 12 + (i % perLine) * ((width - 12) / perLine);
    const top = rows * panel.height + 14 + Math.floor(i / perLine) * legendLine;
    return `<rect x="${left.toFixed(0)}" y="${top - 9}" width="10" height="10" fill="${colourOf(name)}"/><text x="${(left + 15).toFixed(0)}" y="${top}">${escaped(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="${width}" height="${height}" fill="#fff"/>
${body.join('\n')}
${legend.join('\n')}
</svg>
`;
}

function drawPanel(plot: Plot, colourOf: (name: string) => string): string {
  const { left, right, top, bottom, width, height } = panel;
  const points = plot.series.flatMap((series) => series.points);
  const scaled = (x: number) => (plot.logarithmic ? Math.log2(x) : x);
  const xs = points.map((point) => scaled(point.x));
  const ys = points.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const xTicks = plot.logarithmic
    ? [...new Set(points.map((point) => point.x))].sort((a, b) => a - b)
    : ticksOf(Math.min(...xs), Math.max(...xs));
  const yTicks = ticksOf(...rangeOf([...ys, ...(plot.span ?? [])].filter(Number.isFinite)));
  const [firstX, lastX] = [Math.min(...xs), Math.max(...xs)];
  const [firstY, lastY] = [yTicks[0]!, yTicks.at(-1) as number];
  const inside = { width: width - left - right, height: height - top - bottom };
  const atX = (x: number) =>
    (left + (inside.width * (scaled(x) - firstX)) / (lastX - firstX || 1)).toFixed(1);
  const atY = (y: number) => {
    const bounded = Math.min(Math.max(y, firstY), lastY);
    return (top + inside.height * (1 - (bounded - firstY) / (lastY - firstY || 1))).toFixed(1);
  };
  const lines = [
    `<text x="${left}" y="18" font-weight="bold">${escaped(plot.title)}</text>`,
    ...yTicks.map(
      (y) =>
        `<line x1="${left}" x2="${width - right}" y1="${atY(y)}" y2="${atY(y)}" stroke="#ddd"/><text x="${left - 6}" y="${Number(atY(y)) + 4}" text-anchor="end">${tickLabel(y)}</text>`,
    ),
    ...xTicks
      .filter((x) => scaled(x) >= firstX && scaled(x) <= lastX)
      .map(
        (x) =>
          `<text x="${atX(x)}" y="${height - bottom + 16}" text-anchor="middle">${tickLabel(x)}</text>`,
      ),
    `<text x="${left + inside.width / 2}" y="${height - 8}" text-anchor="middle">${escaped(plot.x)}</text>`,
    `<text transform="translate(13 ${top + inside.height / 2}) rotate(-90)" text-anchor="middle">${escaped(plot.y)}</text>`,
  ];
  for (const { x, label, series } of plot.marks ?? []) {
    const colour = colourOf(plot.series[series]?.name as string);
    lines.push(
      `<line x1="${atX(x)}" x2="${atX(x)}" y1="${top}" y2="${height - bottom}" stroke="${colour}" stroke-dasharray="4 3"/><text x="${Number(atX(x)) + 4}" y="${top + 10}" fill="${colour}" font-size="11">${escaped(label)}</text>`,
    );
  }
  for (const series of plot.series)
    lines.push(...drawSeries(series, colourOf(series.name), atX, atY));
  return lines.join('\n');
}

function drawSeries(
  { points, interval = 'whiskers', scattered = false }: Series,
  colour: string,
  atX: (x: number) => string,
  atY: (y: number) => string,
): string[] {
  const lines: string[] = [];
  const spread = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  if (interval === 'band' && spread.length > 1) {
    const upper = spread.map(({ x, high }) => `${atX(x)},${atY(high as number)}`);
    const lower = spread.map(({ x, low }) => `${atX(x)},${atY(low as number)}`).reverse();
    lines.push(
      `<polygon points="${[...upper, ...lower].join(' ')}" fill="${colour}" opacity="0.15"/>`,
    );
  } else {
    lines.push(
      ...spread.map(
        ({ x, low, high }) =>
          `<line x1="${atX(x)}" x2="${atX(x)}" y1="${atY(low as number)}" y2="${atY(high as number)}" stroke="${colour}" opacity="0.6"/>`,
      ),
    );
  }
  const path = points.map(({ x, y }) => `${atX(x)},${atY(y)}`).join(' ');
  if (!scattered) {
    lines.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
  }
  lines.push(
    ...points.map(({ x, y }) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="3" fill="${colour}"/>`),
  );
  return lines;
}

function rangeOf(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/**
 * Round numbers that span the range: 1, 2 or 5 times a power of ten apart, four to nine of them.
 */
export function ticksOf(low: number, high: number): number[] {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span));
  const step = ([0.1, 0.2, 0.5, 1].find((share) => span / (share * power) <= 8) ?? 2) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function tickLabel(value: number): string {
  if (Math.abs(value) >= 10_000) return `${+(value / 1000).toFixed(1)}k`;
  return String(+value.toPrecision(4));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
