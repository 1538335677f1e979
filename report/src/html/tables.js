// Tables from data. Text is only ever set as text.
function make(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const key in attributes) {
    if (key === 'class') node.className = attributes[key];
    else node.setAttribute(key, attributes[key]);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const signed = (value) => (value > 0 ? 'n good' : value < 0 ? 'n bad' : 'n');

/**
 * A table whose columns sort. A column is {name, number, value(row) to sort by, cell(row)}; `chosen(row)`
 * marks a row and `choose(row)` answers a click.
 */
function sortable(table, columns, rows, start, options = {}) {
  let order = { column: start, descending: columns[start]?.number ?? false };
  const render = () => {
    const { value, number } = columns[order.column];
    const sign = order.descending ? -1 : 1;
    const sorted = rows.map((row, at) => [row, at]).sort(([a, i], [b, j]) => {
      const [x, y] = [value(a), value(b)];
      const less = number ? (Number.isFinite(x) ? x : -Infinity) - (Number.isFinite(y) ? y : -Infinity) || 0 : String(x).localeCompare(String(y), 'en', { numeric: true });
      return sign * less || i - j;
    });
    const head = make('tr', {}, ...columns.map((column, at) => {
      const button = make('button', { type: 'button' }, column.name);
      button.addEventListener('click', () => {
        order = { column: at, descending: order.column === at ? !order.descending : Boolean(column.number) };
        render();
        table.querySelectorAll('thead button')[at].focus();
      });
      const sort = order.column === at ? (order.descending ? 'descending' : 'ascending') : 'none';
      return make('th', { scope: 'col', class: column.number ? 'n' : '', 'aria-sort': sort }, button);
    }));
    const body = sorted.map(([row]) => {
      const line = make('tr', { class: options.chosen?.(row) ? 'chosen' : '' }, ...columns.map((column) => column.cell(row)));
      if (options.choose) line.addEventListener('click', () => options.choose(row));
      return line;
    });
    table.replaceChildren(make('thead', {}, head), make('tbody', {}, ...body));
  };
  render();
  return render;
}

function strategyTable(table, account, more) {
  const money = (read) => (row) => make('td', { class: signed(read(row)) }, grouped(read(row), 2));
  const won = (row) => (row.trades ? row.winners / row.trades : NaN);
  sortable(table, [
    { name: 'Strategy', value: (row) => row.id, cell: (row) => make('td', {}, row.id, make('small', {}, row.kind + (row.params ? ` (${row.params})` : ''))) },
    { name: 'On', value: (row) => row.on, cell: (row) => make('td', {}, row.on, make('small', {}, row.timeframe)) },
    { name: 'Round trips', number: true, value: (row) => row.trades, cell: (row) => make('td', { class: 'n' }, grouped(row.trades, 0)) },
    { name: 'Won', number: true, value: won, cell: (row) => make('td', { class: 'n' }, row.trades ? percent(won(row), 1) : '\u2013') },
    { name: 'Fees', number: true, value: (row) => row.fees, cell: (row) => make('td', { class: 'n' }, grouped(row.fees, 2)) },
    { name: 'Closed profit', number: true, value: (row) => row.closed, cell: money((row) => row.closed) },
    { name: 'Open profit', number: true, value: (row) => row.open, cell: money((row) => row.open) },
    { name: 'Total', number: true, value: (row) => row.closed + row.open, cell: money((row) => row.closed + row.open) },
  ], account.strategies, 7);
  document.getElementById('strategies-more').textContent = more ? `and ${grouped(more, 0)} more in the JSON report` : '';
}

function spark(account) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('viewBox', '0 0 110 26');
  if (account.curve) {
    const { last } = account.curve, count = Math.min(last.length, 60);
    const pick = (at) => last[Math.round((at * (last.length - 1)) / Math.max(count - 1, 1))];
    const low = Math.min(...last), span = Math.max(...last) - low || 1;
    draw(svg, 'path', { d: path(count, (at) => 2 + (at * 106) / Math.max(count - 1, 1), (at) => 23 - ((pick(at) - low) / span) * 20) });
  }
  return svg;
}

function accountTable(table, accounts, state, choose) {
  const figures = ['Final equity', 'Return', 'Drawdown', 'Sharpe', 'Round trips', 'Fees'];
  const texts = [(v) => grouped(v, 2), (v) => percent(v), (v) => percent(v), (v) => (v === null ? '\u2013' : grouped(v, 2)), (v) => grouped(v, 0), (v) => grouped(v, 2)];
  return sortable(table, [
    { name: 'Account', value: (row) => row.name, cell: (row) => {
      const button = make('button', { type: 'button' }, row.name);
      return make('th', { scope: 'row' }, button);
    } },
    { name: 'Equity', value: () => 0, cell: (row) => make('td', {}, spark(row)) },
    ...figures.map((name, at) => ({
      name, number: true,
      value: (row) => row.keys[at] ?? NaN,
      cell: (row) => make('td', { class: at === 1 ? signed(row.keys[at]) : 'n' }, texts[at](row.keys[at])),
    })),
  ], accounts, 3, { choose, chosen: (row) => row === state.account });
}

/** Years by months; the shade grows with the size of the return. */
function monthTable(table, account) {
  const years = new Map();
  let before = account.start, yearStart = account.start;
  for (const [year, month, equity] of account.months) {
    if (!years.has(year)) {
      yearStart = before;
      years.set(year, { months: Array(12).fill(null), whole: 0 });
    }
    const line = years.get(year);
    line.months[month - 1] = before > 0 ? equity / before - 1 : null;
    line.whole = yearStart > 0 ? equity / yearStart - 1 : null;
    before = equity;
  }
  const all = [...years.values()].flatMap((line) => line.months.filter((value) => value !== null));
  const top = Math.max(...all.map(Math.abs), 1e-9);
  const cell = (value, shade) => {
    if (value === null) return make('td', {});
    const node = make('td', {}, (value > 0 ? '+' : '') + grouped(value * 100, 2));
    if (shade && value) node.style.background = `rgb(var(--${value > 0 ? 'good' : 'bad'}-rgb) / ${(0.08 + 0.5 * Math.sqrt(Math.abs(value) / top)).toFixed(2)})`;
    return node;
  };
  const head = make('tr', {}, make('th', { scope: 'col' }, '%'), ...MONTHS.concat('Year').map((name) => make('th', { scope: 'col' }, name)));
  const body = [...years].map(([year, line]) =>
    make('tr', {}, make('th', { scope: 'row' }, String(year)), ...line.months.map((value) => cell(value, true)), cell(line.whole, false)));
  table.replaceChildren(make('thead', {}, head), make('tbody', {}, ...body));
}

function positionTable(table, account) {
  const names = ['Strategy', 'Symbol', 'Quantity', 'Average price', 'Last price', 'Value'];
  const kind = (at) => (at > 1 ? 'n' : '');
  table.replaceChildren(
    make('thead', {}, make('tr', {}, ...names.map((name, at) => make('th', { scope: 'col', class: kind(at) }, name)))),
    make('tbody', {}, ...account.positions.map((row) => make('tr', {}, ...row.map((text, at) => make('td', { class: kind(at) }, text))))));
}
