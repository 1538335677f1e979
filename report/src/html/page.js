// The page: which account, symbol and span are shown.
const data = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);
const linked = [];
const equityChart = new Chart(at('equity'), 290, linked);
const drawdownChart = new Chart(at('drawdown'), 130, linked);
const priceChart = new Chart(at('price'), 340);
const state = { account: data.accounts[0], symbol: 0, newest: false };

for (const prices of data.prices) {
  prices.t = sums(prices.t);
  if (prices.newest) prices.newest.t = sums(prices.newest.t);
}
for (const account of data.accounts) if (account.curve) account.curve.t = sums(account.curve.t);

const padded = (low, high) => {
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - room, high + room];
};
const least = (list) => list.reduce((a, b) => Math.min(a, b), Infinity);
const most = (list) => list.reduce((a, b) => Math.max(a, b), -Infinity);

function showCurves({ curve, start, currency }) {
  if (!curve) {
    equityChart.show(null);
    drawdownChart.show(null);
    return;
  }
  const { t, last, low, high, drawdown } = curve, count = t.length;
  const withTime = t[count - 1] - t[0] < 400 * DAY;
  const size = t[count - 1] - t[0];
  equityChart.show({
    times: t, withTime,
    y: padded(Math.min(least(low), start), Math.max(most(high), start)),
    label: (value, decimals) => grouped(value, decimals),
    layers: (group, X, Y) => {
      const x = (n) => X(t[n]);
      draw(group, 'path', { class: 'band', d: area(count, x, (n) => Y(high[n]), (n) => Y(low[n])) });
      draw(group, 'line', { class: 'zero', x1: X(t[0]), x2: X(t[0] + size), y1: Y(start), y2: Y(start) });
      draw(group, 'path', { class: 'line', d: path(count, x, (n) => Y(last[n])) });
    },
    point: (n) => last[n],
    tip: (n) => {
      const rows = [['Equity', `${grouped(last[n], 2)} ${currency}`], ['Return', percent(last[n] / start - 1)], ['Drawdown', percent(drawdown[n])]];
      if (high[n] > low[n]) rows.push(['Range', `${grouped(low[n], 2)} to ${grouped(high[n], 2)}`]);
      return rows;
    },
  });
  const worst = Math.max(most(drawdown), 1e-4);
  drawdownChart.show({
    times: t, withTime,
    y: [-worst * 1.08, 0],
    label: (value, decimals) => percent(value, Math.max(0, decimals - 2)),
    layers: (group, X, Y) => {
      const x = (n) => X(t[n]), y = (n) => Y(-drawdown[n]);
      draw(group, 'path', { class: 'under', d: area(count, x, () => Y(0), y) });
      draw(group, 'path', { class: 'underline', d: path(count, x, y) });
    },
    point: (n) => -drawdown[n],
    tip: (n) => [['Drawdown', percent(drawdown[n])], ['Equity', `${grouped(last[n], 2)} ${currency}`]],
  });
}

function tradeLayer(group, X, Y, trades, from, to) {
  const dense = trades.length > 250;
  for (const [entry, exit, side, bought, sold, profit] of trades) {
    if (exit < from || entry > to) continue;
    const kind = profit > 0 ? 'won' : 'lost';
    const [x1, y1, x2, y2] = [X(entry), Y(bought), X(exit), Y(sold)].map((value) => value.toFixed(1));
    const r = dense ? 2.6 : 4.5;
    if (entry >= from && exit <= to && !dense) draw(group, 'line', { class: `trip ${kind}`, x1, y1, x2, y2 });
    if (entry >= from) draw(group, 'path', { class: dense ? `dense ${kind}` : kind, d: `M${x1} ${y1}m${-r} ${side * r}h${2 * r}l${-r} ${-side * 2 * r}z` });
    if (exit <= to && !dense) draw(group, 'circle', { class: `exit ${kind}`, cx: x2, cy: y2, r: 2.6 });
  }
}

function showPrice() {
  const prices = data.prices[state.symbol];
  at('trading').hidden = !prices;
  if (!prices) return;
  const newest = state.newest && prices.newest ? prices.newest : null;
  const { t, open, high, low, close } = newest || prices, count = t.length;
  const marks = state.account?.marks.find((mark) => mark.symbol === prices.symbol);
  const trades = !marks ? [] : newest && marks.newest.length ? marks.newest : marks.trades;
  const shown = trades.filter((trade) => trade[1] >= t[0] && trade[0] <= t[count - 1]);
  at('whole').setAttribute('aria-pressed', String(!newest));
  at('newest').setAttribute('aria-pressed', String(Boolean(newest)));
  at('newest').hidden = !prices.newest;
  at('newest').textContent = `Last ${prices.newest?.t.length ?? 0} bars (${prices.timeframe})`;
  priceChart.show({
    times: t, withTime: newest || t[count - 1] - t[0] < 400 * DAY,
    y: padded(least(low), most(high)),
    label: (value, decimals) => grouped(value, decimals),
    layers: (group, X, Y) => {
      const x = (n) => X(t[n]);
      if (newest) {
        const half = Math.max(0.6, ((X(t[count - 1]) - X(t[0])) / count) * 0.32);
        for (let n = 0; n < count; n++) {
          draw(group, 'line', { class: 'wick', x1: x(n), x2: x(n), y1: Y(high[n]), y2: Y(low[n]) });
          const [top, bottom] = [Math.max(open[n], close[n]), Math.min(open[n], close[n])].map(Y);
          draw(group, 'rect', { class: close[n] >= open[n] ? 'up' : 'down', x: x(n) - half, width: 2 * half, y: top, height: Math.max(0.5, bottom - top) });
        }
      } else {
        draw(group, 'path', { class: 'pband', d: area(count, x, (n) => Y(high[n]), (n) => Y(low[n])) });
        draw(group, 'path', { class: 'price', d: path(count, x, (n) => Y(close[n])) });
      }
      tradeLayer(group, X, Y, shown, t[0], t[count - 1]);
    },
    point: (n) => close[n],
    tip: (n) => {
      const rows = [['Open', open[n]], ['High', high[n]], ['Low', low[n]], ['Close', close[n]]].map(([name, value]) => [name, priceText(value)]);
      const [from, to] = [n ? t[n - 1] : t[n], t[n]];
      for (const [entry, exit, side, bought, sold, profit, strategy] of shown) {
        if (rows.length > 9) break;
        const name = state.account.strategies[strategy]?.id ?? '';
        if (entry > from && entry <= to) rows.push([`${side > 0 ? '\u25b2 long' : '\u25bc short'} ${name}`, priceText(bought)]);
        if (exit > from && exit <= to) rows.push([`\u25cb exit ${name}`, `${priceText(sold)} (${profit > 0 ? '+' : ''}${grouped(profit, 2)})`]);
      }
      return rows;
    },
  });
  const said = !marks || !marks.seen ? 'No round trip on this symbol.'
    : newest ? `${grouped(shown.length, 0)} round trips touch these bars.`
    : marks.stride > 1 ? `${grouped(trades.length, 0)} of ${grouped(marks.seen, 0)} round trips are drawn, evenly spread.`
    : `${grouped(marks.seen, 0)} round trips.`;
  at('legend').textContent = `\u25b2 long entry, \u25bc short entry, \u25cb exit; green made a profit after fees, orange a loss. ${said}`;
}

function showAccount(account) {
  state.account = account;
  for (const node of document.querySelectorAll('[data-stat]')) {
    const place = Number(node.dataset.stat), sign = account.signs[place];
    node.textContent = account.values[place];
    node.classList.toggle('good', sign > 0);
    node.classList.toggle('bad', sign < 0);
  }
  document.querySelectorAll('.currency').forEach((node) => { node.textContent = account.currency; });
  at('account-notes').replaceChildren(...account.notes.map((note) => make('li', {}, note)));
  at('account-notes').hidden = !account.notes.length;
  at('account-hash').textContent = account.hash;
  showCurves(account);
  monthTable(at('months'), account);
  at('monthly').hidden = !account.months.length;
  strategyTable(at('by-strategy'), account, data.strategies_more);
  positionTable(at('positions'), account);
  at('open').hidden = !account.positions.length;
  const traded = data.prices.findIndex((prices) => account.marks.some((mark) => mark.symbol === prices.symbol && mark.seen));
  if (traded >= 0 && !account.marks.some((mark) => mark.symbol === data.prices[state.symbol]?.symbol)) state.symbol = traded;
  at('symbol').value = String(state.symbol);
  showPrice();
}

data.prices.forEach((prices, place) => at('symbol').append(make('option', { value: place }, prices.symbol)));
at('symbol').hidden = data.prices.length < 2;
at('symbol').addEventListener('change', () => {
  state.symbol = Number(at('symbol').value);
  showPrice();
});
at('whole').addEventListener('click', () => { state.newest = false; showPrice(); });
at('newest').addEventListener('click', () => { state.newest = true; showPrice(); });

if (data.accounts.length > 1) {
  at('pick').hidden = false;
  data.accounts.forEach((account, place) => at('account').append(make('option', { value: place }, account.name)));
  const choose = (account) => {
    showAccount(account);
    at('account').value = String(data.accounts.indexOf(account));
    refresh();
  };
  const refresh = accountTable(at('by-account'), data.accounts, state, choose);
  at('account').addEventListener('change', () => choose(data.accounts[Number(at('account').value)]));
}
if (state.account) showAccount(state.account);
else for (const id of ['curves', 'trading', 'monthly', 'strategies', 'open']) at(id).hidden = true;
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((node) => { node.open = true; }));
