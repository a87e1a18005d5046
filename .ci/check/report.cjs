// Opens the report of a run in headless Chromium: no console error, no request to anywhere, the figures on the page are the
// summary's, and what a hostile server says stays text.
const { chromium } = require("playwright-core");
const { execFileSync } = require("node:child_process");
const { mkdtempSync, readFileSync, statSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const assert = require("node:assert");

async function open(browser, file, options = {}) {
    const page = await browser.newPage(options);
    const trouble = [];
    page.on("console", (message) => { if (message.type() === "error") trouble.push(message.text()); });
    page.on("pageerror", (error) => trouble.push(String(error)));
    page.on("dialog", (dialog) => { trouble.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) trouble.push(`request: ${request.url()}`); });
    await page.goto(`file://${file}`);
    assert.deepEqual(trouble, []);
    return page;
}

async function main(binary) {
    const folder = path.join(mkdtempSync(path.join(tmpdir(), "metron-report-")), "run");
    const hostile = `</script><img src=x onerror=alert(1)>`;
    execFileSync(binary, ["run", "--url", "sim:fixed?ttft=20ms&tbt=5ms&tokens=32&stall-every=16&stall=60ms", "--requests", "60", "--model", hostile,
        "--slo", "p99 ttft <= 500ms", "--input-tokens", "uniform:16..512", "--server-metrics", "auto", "--output", folder, "--quiet", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    const summary = JSON.parse(readFileSync(path.join(folder, "summary.json"), "utf8"));
    const file = path.join(folder, "report.html");
    assert.ok(statSync(file).size < 5e6, "the report is larger than 5 MB");
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
    try {
        for (const [colorScheme, width] of [["light", 1200], ["dark", 390]]) {
            const page = await open(browser, file, { colorScheme, viewport: { width, height: 900 } });
            const text = await page.innerText("body");
            for (const word of ["fluidity", "TTFT", "TBT", "p99 ttft <= 500ms", hostile]) assert.ok(text.toLowerCase().includes(word.toLowerCase()), `the report does not say ${word}`);
            const heads = await page.locator("h2").allInnerTexts();
            const order = ["Did it hold?", "How did it feel?", "Distributions", "What could be promised?", "Over time", "Instrument", "Configuration"];
            assert.deepEqual(heads.filter((head) => order.includes(head)), order, "the page answers in another order");
            assert.ok(await page.locator("svg.plot").count() >= 12, "plots are missing");
            assert.ok(await page.locator("svg.plot path[d]").count() > 24, "plots are empty");
            assert.equal(await page.locator(".chart").count(), await page.locator("details.data").count() + await page.locator(".chart:has(rect.heat)").count(), "a plot has no table");
            assert.ok((await page.locator(".tile").first().getAttribute("title")).length > 20, "a figure does not explain itself");
            assert.equal(await page.locator("img").count(), 0, "the model's name became an element");
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth + 1), `the page is wider than ${width} pixels`);
            if (process.env.METRON_SCREENSHOTS) await page.screenshot({ path: `${process.env.METRON_SCREENSHOTS}/report-${colorScheme}-${width}.png`, fullPage: true });
        }
    } finally {
        await browser.close();
    }
    console.log(`the report of ${summary.requests.completed} requests: no console error, no request, light and dark, wide and narrow`);
}

main(process.argv[2]).catch((error) => { console.error(error); process.exit(1); });
