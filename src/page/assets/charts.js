/** Draws each chart from the table below it, with uPlot. Without this script the tables are there. */

const css = getComputedStyle(document.documentElement);
const colour = (n) => css.getPropertyValue(`--series-${n}`).trim();
const ink = () => getComputedStyle(document.documentElement).getPropertyValue('--quiet').trim();
const line = () => getComputedStyle(document.documentElement).getPropertyValue('--line').trim();
const HEIGHT = 200;

function read(table) {
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows];
  const at = rows.map((row) => Number(row.cells[0].dataset.at));
  const clocks = new Map(rows.map((row, n) => [at[n], clockIn(row.cells[0].textContent)]));
  const values = names.map((_, n) =>
    rows.map((row) => {
      const text = row.cells[n + 1].textContent.trim();
      return text === '' ? null : Number.parseFloat(text);
    }),
  );
  return { names, at, clocks, values };
}

/** Each series on top of those before it: the last is drawn first, and covered by the others. */
function stacked(values) {
  const sums = [];
  for (const series of values) sums.push(series.map((value, n) => (value ?? 0) + (sums.at(-1)?.[n] ?? 0)));
  return sums;
}

/** An hour as the table has it, by the clock of the page: that of the browser may be another. Midnight is told by its day. */
function clockIn(text) {
  const [, day, time] = /\d{4}-(\d\d-\d\d) (\d\d:\d\d)/.exec(text) ?? [];
  return time === '00:00' ? day : time;
}

/** Pixels between two hours that are told. */
const APART = 60;

let plots = [];

function draw(figure) {
  const place = figure.querySelector('.plot');
  const { names, at, clocks, values } = read(figure.querySelector('table'));
  const { unit } = figure.dataset;
  const isStacked = figure.dataset.chart === 'stacked';
  const shown = isStacked ? stacked(values) : values;
  const order = isStacked ? names.map((_, n) => names.length - 1 - n) : names.map((_, n) => n);
  const bars = uPlot.paths.bars({ size: [0.8, 40], align: 1 });
  const text = (n) => (_plot, _value, _series, index) => {
    const real = index == null ? null : values[n][index];
    return real == null ? '-' : `${real}${unit === '' ? '' : ` ${unit}`}`;
  };
  const clock = (moment) => clocks.get(moment) ?? '';
  /** Hours that are told: every second, third ... of the day, as there is room. */
  const hours = () => {
    const room = place.clientWidth / APART;
    const step = [1, 2, 3, 4, 6, 12].find((one) => at.length / one <= room) ?? 24;
    const hourOf = (moment) => Number(/^(\d\d):/.exec(clock(moment))?.[1] ?? 0);
    return at.filter((moment) => hourOf(moment) % step === 0);
  };
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const plot = new uPlot(
    {
      width: Math.max(200, place.clientWidth),
      height: HEIGHT,
      cursor: { y: false },
      legend: { live: true },
      // The last hour has its whole width.
      scales: {
        x: { range: [at[0], at.at(-1) + 3600] },
        y: { range: (_plot, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, splits: hours, values: (_plot, ticks) => ticks.map(clock) },
        { ...axis, size: 46, values: (_plot, ticks) => ticks.map((tick) => `${tick}${unit === '' ? '' : ` ${unit}`}`) },
      ],
      series: [
        { label: 'Hour', value: (_plot, value) => (value == null ? '-' : clock(value)) },
        ...order.map((n) => ({
          label: names[n],
          stroke: colour(n + 1),
          width: isStacked ? 0 : 2,
          fill: isStacked ? colour(n + 1) : undefined,
          paths: isStacked ? bars : undefined,
          points: { show: !isStacked, size: 5 },
          value: text(n),
        })),
      ],
    },
    [at, ...order.map((n) => shown[n])],
    place,
  );
  plots.push([plot, place]);
}

function drawAll() {
  for (const [plot] of plots) plot.destroy();
  plots = [];
  for (const figure of document.querySelectorAll('[data-chart]')) draw(figure);
}

drawAll();
// The tables were sent anew.
addEventListener('logcalld-part', ({ target }) => {
  if (target.id === 'charts') drawAll();
});

addEventListener('resize', () => {
  for (const [plot, place] of plots) plot.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT });
});
