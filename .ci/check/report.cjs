// Opens the pages of a run, a comparison, a capacity, sweeps and a prefill profile in headless Chromium: no console error, no request
// to anywhere, every chart drawn, in light and dark, wide and narrow, on paper and without a script; what a hostile server says stays
// text.
const { chromium } = require("playwright-core");
const { spawnSync } = require("node:child_process");
const { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const assert = require("node:assert");

const hostile = `</script><img src=x onerror=alert(1)>`;
const kept = process.env.METRON_SCREENSHOTS;

/// The pages, by name, with the charts that each must have at least.
function pages(binary, folder) {
    const metron = (...args) => {
        const ended = spawnSync(binary, args, { cwd: folder, encoding: "utf8", maxBuffer: 64e6 });
        assert.ok([0, 1, 3, 4].includes(ended.status), `metron ${args.join(" ")} ended with ${ended.status}: ${ended.stderr}`);
    };
    const run = (output, tbt) => metron("run", "--url", `sim:fixed?ttft=20ms&tbt=${tbt}&tokens=32&stall-every=16&stall=60ms`, "--requests", "60",
        "--model", hostile, "--slo", "p99 ttft <= 500ms", "--input-tokens", "uniform:16..512", "--server-metrics", "auto", "--output", output, "--quiet");
    run("run", "5ms");
    run("other", "6ms");
    metron("compare", "run", "other", "--output", "compare.html");
    metron("prefill", "--url", "sim:", "--virtual-time", "--prompt-tokens", "64..4096", "--output", "prefill", "--quiet");
    metron("run", "--url", "sim:", "--virtual-time", "--prefill-profile", "prefill/prefill-profile.json", "--ttft-slack", "50ms", "--requests", "400", "--rate", "6",
        "--input-tokens", "uniform:64..4096", "--output", "profiled", "--quiet");
    metron("capacity", "--url", "sim:queue?servers=4&service=exponential:100ms&first=start&tokens=1", "--virtual-time", "--slo", "p90 ttft <= 100ms", "--slo", "error_rate <= 1%", "--output", "capacity", "--quiet");
    const target = (name, tbt) => `  - name: ${name}\n    url: "sim:fixed?ttft=20ms&tbt=${tbt}&tokens=16"\n`;
    writeFileSync(path.join(folder, "sweep.yaml"), `name: engines\ntargets:\n${target("quick", "5ms")}${target("slow", "9ms")}workloads:\n  - name: chat\n    input_tokens: 64\n`
        + "loads:\n  - {concurrency: 1, requests: 40}\n  - {concurrency: 4, requests: 40}\n  - {concurrency: 8, requests: 40}\n");
    metron("sweep", "sweep.yaml", "--output", "sweep", "--quiet");
    writeFileSync(path.join(folder, "searches.yaml"), `name: searches\ndefaults: {virtual_time: true, requests: 200}\ntargets:\n  - {name: sarathi, url: "sim:sarathi"}\n`
        + "  - {name: vllm-with-a-name-that-is-longer-than-its-room, url: 'sim:vllm'}\n  - {name: gone, url: 'http://127.0.0.1:9', virtual_time: false}\n"
        + "workloads:\n  - {name: chat, input_tokens: 1024, output_tokens: 16}\nloads:\n  - {rate: 4}\n  - {rate: 16}\n"
        + "  - {name: capacity, capacity: {slo: ['p90 ttft <= 1s'], range: 1..50, precision: 20%}}\n  - {name: prompts, prefill: {prompt_tokens: 64..1024, precision: 10%}}\n");
    metron("sweep", "searches.yaml", "--output", "searches", "--quiet");
    agrees(metron, folder);
    return { run: ["run/report.html", 17], profiled: ["profiled/report.html", 14], compare: ["compare.html", 6], prefill: ["prefill/report.html", 1],
        capacity: ["capacity/report.html", 4], sweep: ["sweep/report.html", 2], searches: ["searches/report.html", 4] };
}

/// What a page draws is what `metron plot` writes: as many points of every series, of every plot that has the page's name.
function agrees(metron, folder) {
    const drawn = (page) => [...readFileSync(path.join(folder, page), "utf8").matchAll(/<script type="application\/json">(.*?)<\/script>.*?<code>metron plot (?:DIR|BASELINE) (\S+) /gs)]
        .map(([, data, name]) => [name, JSON.parse(data)]);
    const of = [["profiled/report.html", ["profiled"], []], ["compare.html", ["run"], ["--against", "other"]], ["searches/report.html", ["searches"], []], ["capacity/report.html", ["capacity"], []]];
    for (const [page, subject, against] of of) {
        const plots = drawn(page);
        assert.ok(plots.length >= 4, `${page}: ${plots.length} plots have a name`);
        for (const [name, { caption, series, references }] of plots) {
            metron("plot", ...subject, name, ...against, "--out", "plot.csv", "--force");
            const rows = readFileSync(path.join(folder, "plot.csv"), "utf8").trimEnd().split("\n").length - 1;
            const points = series.reduce((sum, { x, y }) => sum + (x ?? y).length, references.length);
            assert.equal(rows, points, `${page}: ${name} (${caption}) is another plot as a file`);
        }
    }
}

async function open(browser, file, options = {}) {
    const page = await browser.newPage(options);
    const trouble = [];
    page.on("console", (message) => { if (message.type() === "error") trouble.push(message.text()); });
    page.on("pageerror", (error) => trouble.push(String(error)));
    page.on("dialog", (dialog) => { trouble.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) trouble.push(`request: ${request.url()}`); });
    await page.goto(`file://${file}`);
    if (options.javaScriptEnabled !== false) {
        await page.evaluate(() => { for (const details of document.querySelectorAll("details:has(figure)")) details.open = true; });
        await page.waitForFunction(() => document.querySelectorAll("figure.chart").length === document.querySelectorAll("figure.chart canvas").length);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    }
    assert.deepEqual(trouble, [], file);
    return [page, trouble];
}

/// Charts in which nothing but axes was drawn: too few pixels that have a colour.
const empty = () => [...document.querySelectorAll("figure.chart")].filter((figure) => {
    const canvas = figure.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let k = 0; k < data.length; k += 4) if (data[k + 3] > 60 && Math.max(data[k], data[k + 1], data[k + 2]) - Math.min(data[k], data[k + 1], data[k + 2]) > 40) coloured += 1;
    return coloured < 20;
}).map((figure) => figure.querySelector("figcaption").textContent);

async function looked(browser, name, file, charts) {
    for (const [colorScheme, width] of [["light", 1200], ["dark", 390]]) {
        const [page, trouble] = await open(browser, file, { colorScheme, viewport: { width, height: 900 } });
        if (kept) await page.screenshot({ path: `${kept}/${name}-${colorScheme}-${width}.png`, fullPage: true });
        const there = await page.locator("figure.chart canvas").count();
        assert.ok(there >= charts, `${name}: ${there} charts, not ${charts}`);
        assert.equal((await page.evaluate(empty)).join("; "), "", `${name}: charts with nothing in them`);
        assert.equal(await page.locator("figure").count(), await page.locator("details.data").count(), `${name}: a plot has no table`);
        assert.equal(await page.locator("img").count(), 0, `${name}: text from outside became an element`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth + 1), `${name}: wider than ${width} pixels`);
        const first = page.locator("figure.chart .u-over").first();
        await first.scrollIntoViewIfNeeded();
        await first.hover();
        const values = await page.locator("figure.chart").first().locator(".at").innerText();
        assert.ok(/\d/.test(values), `${name}: nothing is said under the pointer`);
        const switches = page.locator(".switch:visible");
        if (await switches.count() > 0) {
            const before = await switches.first().innerText();
            await switches.first().click();
            assert.notEqual(await switches.first().innerText(), before, `${name}: the switch does nothing`);
            await switches.first().click();
        }
        await page.mouse.move(0, 0);
        assert.deepEqual(trouble, [], name);
        if (colorScheme === "light") {
            const pdf = await page.pdf({ format: "A4", ...(kept ? { path: `${kept}/${name}.pdf` } : {}) });
            assert.ok(pdf.length > 20e3, `${name}: nothing is printed`);
        }
        await page.close();
    }
    const [plain] = await open(browser, file, { javaScriptEnabled: false, viewport: { width: 800, height: 900 } });
    assert.equal(await plain.locator(".drawing:visible").count(), 0, `${name}: a place for a chart that nobody draws`);
    await plain.locator("details.data > summary").first().click();
    assert.ok((await plain.locator("details.data td:visible").count()) > 1, `${name}: no table without a script`);
    await plain.close();
}

async function main(binary) {
    const folder = mkdtempSync(path.join(tmpdir(), "metron-report-"));
    if (kept) mkdirSync(kept, { recursive: true });
    const named = pages(path.resolve(binary), folder);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
    try {
        for (const [name, [file, charts]] of Object.entries(named)) {
            assert.ok(statSync(path.join(folder, file)).size < 5e6, `${name} is larger than 5 MB`);
            await looked(browser, name, path.join(folder, file), charts);
        }
        const [page] = await open(browser, path.join(folder, "run/report.html"));
        const text = (await page.innerText("body")).toLowerCase();
        for (const word of ["fluidity", "TTFT", "TBT", "p99 ttft <= 500ms", hostile]) assert.ok(text.includes(word.toLowerCase()), `the report does not say ${word}`);
        const order = ["Did it hold?", "How did it feel?", "Distributions", "What could be promised?", "Over time", "Instrument", "Configuration"];
        const heads = await page.locator("h2").allInnerTexts();
        assert.deepEqual(heads.filter((head) => order.includes(head)), order, "the page answers in another order");
        assert.ok((await page.locator(".tile").first().getAttribute("title")).length > 20, "a figure does not explain itself");
        assert.ok((await page.locator(".key", { hasText: "TTFT" }).first().getAttribute("title")).length > 40, "a curve does not explain itself");
    } finally {
        await browser.close();
    }
    const summary = JSON.parse(readFileSync(path.join(folder, "run/summary.json"), "utf8"));
    console.log(`${Object.keys(named).length} pages, the first of ${summary.requests.completed} requests: no console error, no request, every chart drawn, light and dark, wide and narrow, on paper, and tables without a script`);
}

main(process.argv[2]).catch((error) => { console.error(error); process.exit(1); });
