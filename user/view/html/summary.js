// SPDX-License-Identifier: GPL-2.0-only
// The head of the page: what was watched, the verdict, and the figures at the end.

function figure(name)
{
	return data.figures.find(one => one.name === name);
}

function titleFill()
{
	const process = data.process;
	const began = new Date(process.began_ms);

	byId("title").textContent = process.command + " (" + process.pid + ")";
	document.title = process.command + " " + process.pid + " \u2013 tidemark";
	byId("subtitle").textContent = [
		"watched for " + formatSeconds(process.seconds),
		process.ended ? "until it ended" : "still running",
		"from " + began.toISOString().replace("T", " ").replace(/\..*/, " UTC"),
		process.allocator === "?" ? "no allocator recognised" : "allocator " + process.allocator,
	].join(", ");
}

function verdictFill()
{
	const verdict = data.verdict, card = byId("verdict");

	if (!verdict)
		return;
	card.hidden = false;
	card.classList.toggle("grows", verdict.grows);
	card.classList.toggle("none", verdict.word === "none" || verdict.word === "plateau");
	card.append(element("h2", {}, verdict.title), element("p", {}, verdict.text + "."));
	for (const pill of ["evidence: " + verdict.tier, "explains " + formatShare(verdict.share, 1) + (verdict.grows ? " of the growth" : " of what is kept"),
			    "rule: " + verdict.rule, "over " + formatSeconds(verdict.seconds)])
		card.append(element("span", {class: "pill"}, pill));
	card.append(element("ul", {}, ...verdict.evidence.map(text => element("li", {}, text))));
	if (verdict.site)
		card.append(element("p", {}, element("b", {}, "Top site: "), element("code", {}, verdict.site),
				    " (" + formatShare(verdict.site_share, 1) + ")"));
	if (verdict.advice)
		card.append(element("p", {}, element("b", {}, "What to do: "), verdict.advice));
	if (verdict.change)
		card.append(element("p", {class: "muted"}, "What would change it: ", verdict.change));
}

function tile(title, value, small)
{
	byId("figures").append(element("div", {}, element("dt", {}, title),
				       element("dd", {}, value, small ? element("small", {}, small) : null)));
}

function signed(bytes, per)
{
	return bytes === null ? "too few reports" : formatBytes(bytes, true) + per;
}

function tilesFill()
{
	const value = name => (figure(name) || {value: null}).value;
	const rss = value("rss_bytes"), retained = value("retained_bytes");

	if (!data.figures.length) {
		tile("Reports", "none", "it ended before the first");
		return;
	}
	tile("Resident set", formatBytes(rss), "growth " + signed(value("growth_bytes_per_hour"), " per hour"));
	tile("Retained", formatBytes(retained), formatShare(retained, rss) + " of the resident set");
	tile("Lazily freed", formatBytes(value("lazyfree_bytes")), "in it, until the kernel wants it");
	tile("Purged", formatBytes(value("purged_bytes_total")), "returned " + formatBytes(value("returned_bytes_total")));
	if (data.invocations)
		tile("Per invocation", signed(value("invocation_growth_bytes"), ""), data.invocations.counts);
	tile("Unexplained", formatBytes(value("unexplained_bytes"), true), formatCount(value("lost_events_total")) + " records lost");
}

function allFiguresFill()
{
	byId("all-figures").tBodies[0].append(...data.figures.map(one =>
		element("tr", {}, element("th", {scope: "row"}, one.name), element("td", {class: "number"}, one.text),
			element("td", {}, one.help))));
}

function summaryStart()
{
	titleFill();
	verdictFill();
	tilesFill();
	allFiguresFill();
	byId("notes").append(...data.notes.map(note => element("li", {}, note)));
	byId("about").textContent = "Made by tidemark " + data.version + ". Charts by dygraphs (MIT) and d3 (BSD-3-Clause); " +
		"their licences are in this file.";
}
