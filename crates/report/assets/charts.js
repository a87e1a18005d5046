// Draws each figure of the page with uPlot, from the JSON that stands in it: keys that say the values under the pointer, switches
// between equal steps and equal ratios, zoom, the page's own colours, paper. Asks no network. Text goes in as text, never as markup.
"use strict";
(() => {
    const root = document.documentElement;
    root.classList.add("scripted");
    const DASHES = [[], [7, 3], [2, 2.5], [9, 3, 2, 3]];
    /// Pixels within which the pointer means a dot.
    const NEAR = 30;
    /// On paper everything is drawn so many times finer than it is shown.
    const FINE = 3;
    /// As wide as half a sheet, and a whole one: what is drawn is fitted to its column there.
    const SHEET = [360, 720];
    const colour = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
    const tone = (series) => colour(series.tone < 0 ? "faint" : "line-" + (series.tone % 6));
    const joined = (series) => series.mark === "line" || series.mark === "steps";

    function shown(value) {
        if (value === null || value === undefined || !Number.isFinite(value)) return "–";
        const size = Math.abs(value);
        if (size >= 1e4) return Math.round(value).toLocaleString("en-US");
        if (size >= 1000) return String(Math.round(value));
        return String(Number(value.toPrecision(size < 1 ? 3 : 4)));
    }

    function element(tag, of, text) {
        const made = document.createElement(tag);
        if (of) made.className = of;
        if (text !== undefined) made.textContent = text;
        return made;
    }

    /// The place of the last value that is no greater, or -1.
    function upTo(values, value) {
        let low = 0, high = values.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (values[middle] <= value) low = middle + 1; else high = middle;
        }
        return low - 1;
    }

    /// The marks of an axis of equal ratios over `pixels`, each with `room` to itself: powers of ten alone over more than three, 2 and 5 between over fewer, every
    /// digit where these are too few, equal steps where it is shorter still. As in a plot's file.
    function ratios(low, high, pixels, room) {
        const most = Math.max(2, Math.floor(pixels / room));
        const fits = (set) => set.every((value, k) => k === 0 || (Math.log(value / set[k - 1]) / Math.log(high / low)) * pixels >= room);
        const [first, last] = [low, high].map((end) => Math.floor(Math.log10(end) + 1e-9));
        const marks = (digits) => {
            const all = [];
            for (let power = first; power <= last; power += 1) for (const digit of digits) all.push(Number(`${digit}e${power}`));
            return all.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
        };
        const few = marks([1, 2, 5]);
        const sets = last - first > 3 || Math.log10(high / low) > 3 ? [[1]] : few.length > 2 ? [[1, 2, 5], [1]] : [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5]];
        const fitting = sets.map(marks).find((set) => set.length > 1 && fits(set));
        if (fitting) return fitting;
        const fewest = marks(sets.at(-1));
        if (fewest.length > 1) return fewest.filter((value, k) => k % Math.ceil(fewest.length / most) === 0);
        const raw = (high - low) / most;
        const power = 10 ** Math.floor(Math.log10(raw));
        const step = [1, 2, 5, 10].find((round) => round * power >= raw * (1 - 1e-9)) * power;
        const steps = [];
        for (let k = Math.ceil(low / step); k * step <= high; k += 1) steps.push(k * step);
        return steps;
    }

    /// A name in so many letters.
    const short = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

    /// The points of a line between two gaps, which no stroke would show.
    function lonely(u, place) {
        const values = u.data[place];
        const known = (from, step) => {
            let k = from + step;
            while (k >= 0 && k < values.length && values[k] === undefined) k += step;
            return values[k] ?? null;
        };
        const alone = [];
        values.forEach((value, k) => { if (value !== null && value !== undefined && known(k, -1) === null && known(k, 1) === null) alone.push(k); });
        return alone.length > 0 ? alone : null;
    }

    class Chart {
        constructor(figure) {
            this.plot = JSON.parse(figure.querySelector("script").textContent);
            this.area = figure.querySelector(".drawing");
            this.log = { x: this.plot.x.log, y: this.plot.y.log };
            this.lines = this.plot.series.filter(joined);
            this.hidden = new Set();
            this.u = null;
            this.head(figure);
            new ResizeObserver(() => this.fit()).observe(this.area);
        }

        /// The switches and the keys, under the drawing.
        head(figure) {
            const tools = element("div", "tools");
            this.at = element("span", "at");
            for (const side of ["x", "y"]) {
                if (!this.plot[side].log) continue;
                const button = element("button", "switch");
                const say = () => { button.textContent = `${side}: ${this.log[side] ? "log" : "linear"}`; };
                button.type = "button";
                button.title = "Equal ratios, or equal steps";
                button.onclick = () => { this.log[side] = !this.log[side]; say(); this.draw(); };
                say();
                tools.append(button);
            }
            const keys = element("ul", "keys");
            this.values = [];
            const named = this.plot.series.filter((series) => series.name);
            for (const series of named) {
                const item = element("li");
                const key = element("button", "key");
                key.type = "button";
                key.title = (series.words ? series.words + " " : "") + "Click: hide or show.";
                key.setAttribute("aria-pressed", "true");
                const shape = series.tone < 0 ? 3 : series.tone % 4;
                const sample = element("i", joined(series) ? "sample" : `sample point shape-${shape}`);
                sample.style.setProperty("--tone", `var(--${series.tone < 0 ? "faint" : "line-" + (series.tone % 6)})`);
                if (joined(series) && series.tone % 4) sample.classList.add(series.tone < 0 || series.tone % 4 === 1 ? "dashed" : "dotted");
                const value = element("b");
                key.append(sample, element("span", "", series.name), value);
                key.onclick = () => {
                    if (!this.hidden.delete(series)) this.hidden.add(series);
                    key.setAttribute("aria-pressed", String(!this.hidden.has(series)));
                    this.draw();
                };
                item.append(key);
                keys.append(item);
                this.values.push([series, value]);
            }
            for (const reference of this.plot.references) {
                const item = element("li", "reference");
                item.append(element("i", "sample dashed"), element("span", "", reference.name), element("b", "", shown(reference.x ?? reference.y)));
                keys.append(item);
            }
            tools.append(this.at);
            figure.append(keys, tools);
        }

        fit() {
            const width = Math.floor(this.area.clientWidth);
            if (width < 50 || this.printing) return;
            if (!this.u) this.draw();
            else if (width !== this.width) { this.width = width; this.u.setSize({ width, height: this.height() }); }
        }

        height() {
            const rows = this.plot.y.names?.length ?? 0;
            return Math.max(this.width < 420 ? 230 : 280, 70 + 22 * rows);
        }

        /// In pixels of the screen; on paper whatever the screen's width is.
        wide() {
            const alone = this.area.closest(".plots")?.children.length === 1;
            return this.printing ? SHEET[alone ? 1 : 0] : Math.floor(this.area.clientWidth);
        }

        /// What stands at a place along an axis.
        place(side, value) { return this.plot[side].names?.[Math.round(value)] ?? shown(value); }

        range(side) {
            const axis = this.plot[side];
            let [low, high] = [axis.low, axis.high];
            if (axis.log && !this.log[side]) low = 0;
            return [low, high];
        }

        /// Where an axis is marked; null leaves it to uPlot's equal steps.
        marked(side) {
            if (this.plot[side].names) return () => this.plot[side].names.map((_, k) => k);
            if (!this.log[side]) return null;
            const [pixels, room] = side === "x" ? [this.width - 70, 42] : [this.height() - 60, 15];
            return (u, axis, low, high) => ratios(low, high, pixels, room);
        }

        /// All lines over one run of x, as uPlot wants them: a place without a point is undefined, a gap is null.
        data() {
            const tables = this.lines.map((series) => [series.x, series.y]);
            if (!tables.length) return [this.range("x"), [null, null]];
            return tables.length > 1 ? uPlot.join(tables, tables.map(() => [1, 1])) : tables[0];
        }

        draw(fine = 1) {
            this.u?.destroy();
            this.width = this.wide();
            const font = `${12 * fine}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
            const scale = (side) => ({
                time: false, auto: false, distr: this.log[side] ? 3 : 1, log: 10,
                range: (u, low, high) => (side === "x" && low !== null && this.u === u ? [low, high] : this.range(side)),
            });
            const letters = Math.floor((this.width * 0.38) / 6.8);
            const axis = (side) => ({
                scale: side, ...(this.plot[side].title ? { label: this.plot[side].title } : {}), font, labelFont: font, labelSize: 20 * fine, gap: 5 * fine,
                stroke: () => colour("faint"),
                ...(this.marked(side) ? { splits: this.marked(side) } : {}), filter: (u, splits) => splits,
                grid: { stroke: () => colour("rule"), width: fine, filter: (u, splits) => splits },
                ticks: { stroke: () => colour("rule"), width: fine, size: 5 * fine, filter: (u, splits) => splits },
                space: (side === "x" ? 70 : 34) * fine,
                values: (u, splits) => splits.map((value) => short(this.place(side, value), letters)),
                size: side === "x" ? 32 * fine : (u, values) => (values ? 14 + Math.max(12, ...values.map((text) => (text ?? "").length * 6.8)) : 40) * fine,
            });
            const full = (u) => u.batch(() => { for (const side of ["x", "y"]) { const [min, max] = this.range(side); u.setScale(side, { min, max }); } });
            const lines = this.lines.map((series) => ({
                label: series.name, scale: "y", show: !this.hidden.has(series), stroke: () => tone(series), width: 1.75 * fine,
                dash: (series.tone < 0 ? [5, 4] : DASHES[series.tone % 4]).map((length) => length * fine),
                points: { show: false, size: 4 * fine, width: fine, fill: () => tone(series), filter: lonely },
                paths: series.mark === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
            }));
            if (!lines.length) lines.push({ show: false });
            this.u = new uPlot({
                width: this.width * fine, height: this.height() * fine, padding: [10 * fine, 18 * fine, 0, 0],
                scales: { x: scale("x"), y: scale("y") }, axes: [axis("x"), axis("y")],
                series: [{}, ...lines], legend: { show: false },
                cursor: {
                    points: { show: false }, drag: { x: true, y: true, uni: 20 },
                    sync: { key: this.plot.x.title, scales: ["x", null], setSeries: false },
                    bind: { dblclick: (u) => () => { full(u); return null; } },
                },
                hooks: {
                    drawAxes: [(u) => this.ground(u, fine)],
                    draw: [(u) => this.marks(u, fine)],
                    setCursor: [(u) => this.read(u)],
                },
            }, this.data(), this.area);
            full(this.u);
        }

        clipped(u, paint) {
            const { left, top, width, height } = u.bbox;
            u.ctx.save();
            u.ctx.beginPath();
            u.ctx.rect(left - 4, top - 4, width + 8, height + 8);
            u.ctx.clip();
            paint(u.ctx);
            u.ctx.restore();
        }

        /// What has no name belongs to the series of its colour that has one, and is hidden with it.
        isHidden(series) { return this.hidden.has(series.name ? series : this.plot.series.find((other) => other.name && other.tone === series.tone)); }

        ofMark(...marks) { return this.plot.series.filter((series) => marks.includes(series.mark) && !this.isHidden(series)); }

        /// What lies under the lines: bands and bars.
        ground(u) {
            this.clipped(u, (ctx) => {
                ctx.globalAlpha = 0.18;
                for (const series of this.ofMark("band")) {
                    ctx.fillStyle = tone(series);
                    ctx.beginPath();
                    series.x.forEach((x, k) => ctx.lineTo(u.valToPos(x, "x", true), u.valToPos(series.low[k], "y", true)));
                    for (let k = series.x.length - 1; k >= 0; k--) ctx.lineTo(u.valToPos(series.x[k], "x", true), u.valToPos(series.high[k], "y", true));
                    ctx.fill();
                }
                ctx.globalAlpha = 0.8;
                for (const series of this.ofMark("bars")) {
                    ctx.fillStyle = tone(series);
                    const half = 0.35 * Math.abs(u.valToPos(1, "x", true) - u.valToPos(0, "x", true));
                    series.x.forEach((x, k) => {
                        const [middle, top] = [u.valToPos(x, "x", true), u.valToPos(series.y[k], "y", true)];
                        ctx.fillRect(middle - half, top, 2 * half, u.bbox.top + u.bbox.height - top);
                    });
                }
            });
        }

        /// What lies over them: dots, spans, values to compare with.
        marks(u, fine) {
            const pixel = fine * (fine > 1 ? 1 : devicePixelRatio);
            this.clipped(u, (ctx) => {
                for (const series of this.ofMark("dots")) {
                    ctx.fillStyle = tone(series);
                    ctx.globalAlpha = series.x.length > 200 ? 0.4 : 0.9;
                    const size = (series.x.length > 200 ? 2.2 : 4) * pixel;
                    series.x.forEach((x, k) => {
                        if (series.y[k] === null) return;
                        this.dot(ctx, series.tone, u.valToPos(x, "x", true), u.valToPos(series.y[k], "y", true), size);
                    });
                }
                ctx.globalAlpha = 1;
                ctx.lineWidth = 1.3 * pixel;
                // Intervals of what is drawn upwards, and of what is drawn to the right.
                for (const [mark, along, ends] of [["spans", "x", "y"], ["across", "y", "x"]]) {
                    const point = (at, end) => along === "x" ? [at, end] : [end, at];
                    for (const series of this.ofMark(mark)) {
                        ctx.strokeStyle = tone(series);
                        ctx.beginPath();
                        series[along].forEach((value, k) => {
                            const [at, low, high] = [u.valToPos(value, along, true), u.valToPos(series.low[k], ends, true), u.valToPos(series.high[k], ends, true)];
                            ctx.moveTo(...point(at, low)); ctx.lineTo(...point(at, high));
                            for (const end of [low, high]) { ctx.moveTo(...point(at - 4 * pixel, end)); ctx.lineTo(...point(at + 4 * pixel, end)); }
                        });
                        ctx.stroke();
                    }
                }
                ctx.strokeStyle = colour("faint");
                ctx.setLineDash([4 * pixel, 3 * pixel]);
                for (const { x, y } of this.plot.references) {
                    const { left, top, width, height } = u.bbox;
                    ctx.beginPath();
                    if (x !== undefined) { const at = u.valToPos(x, "x", true); ctx.moveTo(at, top); ctx.lineTo(at, top + height); }
                    else { const at = u.valToPos(y, "y", true); ctx.moveTo(left, at); ctx.lineTo(left + width, at); }
                    ctx.stroke();
                }
            });
        }

        /// Shapes tell series apart where colours do not.
        dot(ctx, place, x, y, size) {
            ctx.beginPath();
            switch (place < 0 ? 3 : place % 4) {
                case 0: ctx.arc(x, y, size, 0, 2 * Math.PI); break;
                case 1: ctx.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8); break;
                case 2: ctx.moveTo(x - size, y + size * 0.9); ctx.lineTo(x + size, y + size * 0.9); ctx.lineTo(x, y - size); break;
                default: ctx.moveTo(x - size, y); ctx.lineTo(x, y - size); ctx.lineTo(x + size, y); ctx.lineTo(x, y + size);
            }
            ctx.fill();
        }

        /// The values under the pointer, in the keys.
        read(u) {
            const { left, top } = u.cursor;
            const away = left === undefined || left < 0;
            const x = away ? null : u.posToVal(left, "x");
            const beside = this.plot.y.names && !away ? `, ${this.place("y", u.posToVal(top, "y"))}` : "";
            this.at.textContent = away ? "" : `${this.place("x", x)} (${this.plot.x.title})${beside}`;
            for (const [series, value] of this.values) value.textContent = away ? "" : this.under(u, series, x, left, top);
        }

        under(u, series, x, left, top) {
            if (series.mark === "steps") { const k = upTo(series.x, x); return k < 0 ? "–" : shown(series.y[k]); }
            let [best, least] = [-1, Infinity];
            const flat = series.mark === "line";
            series.x.forEach((at, k) => {
                const across = Math.abs(u.valToPos(at, "x") - left);
                const up = flat || series.low ? 0 : Math.abs(u.valToPos(series.y[k], "y") - top);
                const far = Math.hypot(across, up);
                if (far < least) [best, least] = [k, far];
            });
            if (best < 0 || (!flat && least > NEAR)) return "";
            if (series.low) return `${shown(series.low[best])} to ${shown(series.high[best])}`;
            const text = flat ? shown(series.y[best]) : this.plot.y.names ? shown(series.x[best]) : `${shown(series.y[best])} at ${shown(series.x[best])}`;
            return (series.labels ? `${series.labels[best]}: ${text}` : text) + this.interval(series, series.x[best], series.y[best]);
        }

        /// The interval that is drawn around a point in its colour.
        interval(series, x, y) {
            const of = this.plot.series.find((other) => other.low && other.mark !== "band" && other.tone === series.tone);
            const k = of ? (of.x ? of.x.indexOf(x) : of.y.indexOf(y)) : -1;
            return k < 0 ? "" : ` (${shown(of.low[k])} to ${shown(of.high[k])})`;
        }

        /// Finer, and black on white, for as long as it is printed.
        paper(printing) {
            this.printing = printing;
            if (this.u) this.draw(printing ? FINE : 1);
        }
    }

    const charts = [...document.querySelectorAll("figure.chart")].map((figure) => new Chart(figure));
    const redraw = () => charts.forEach((chart) => chart.u?.redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    addEventListener("beforeprint", () => { root.classList.add("paper"); charts.forEach((chart) => chart.paper(true)); });
    addEventListener("afterprint", () => { root.classList.remove("paper"); charts.forEach((chart) => chart.paper(false)); });
})();
