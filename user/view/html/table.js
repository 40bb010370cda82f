// SPDX-License-Identifier: GPL-2.0-only
// The table of sites: sorted by its headings, filtered, a row's stack below it.

const TABLE_STEP = 25;

// wide: not on a narrow screen.
const COLUMNS = [
	{key: "title", title: "Site", text: true},
	{key: "retained", title: "Retained", show: site => formatPages(site.retained)},
	{key: "resident", title: "Resident", show: site => formatPages(site.resident)},
	{key: "growth", title: "Growth", wide: true, show: site => formatPages(site.growth, true)},
	{key: "lazy", title: "Lazily freed", wide: true, show: site => formatPages(site.lazy)},
	{key: "mean", title: "Mean age", wide: true, show: site => site.mean === null ? "before" : formatSeconds(site.mean)},
	{key: "allocator", title: "Allocator", text: true, wide: true, show: site => site.allocator},
];

const table = {by: "retained", down: true, shown: TABLE_STEP, filter: "", open: new Set()};

function siteMatches(site)
{
	return !table.filter || site.title.toLowerCase().includes(table.filter) || site.allocator.includes(table.filter) ||
		site.frames.some(number => data.sites.frames[number][0].toLowerCase().includes(table.filter));
}

function siteCompare(a, b)
{
	const x = a[table.by], y = b[table.by];
	const order = typeof x === "string" ? x.localeCompare(y) : (x === null ? Infinity : x) - (y === null ? Infinity : y);

	return (table.down ? -order : order) || a.number - b.number;
}

function stackItem(number)
{
	const [name, place, module, , inlined] = data.sites.frames[number];

	return element("li", {}, name, element("span", {}, [" ", place, module ? "[" + module + "]" : "", inlined ? "inlined" : ""].join(" ")));
}

function stackRow(site)
{
	const cell = element("td", {colspan: COLUMNS.length});

	if (site.reason)
		cell.append(element("p", {}, site.reason));
	else
		cell.append(element("p", {class: "muted"}, "Innermost first" + (site.end ? "; the stack is not whole: " + site.end : "") +
				    (site.estimated ? "; " + formatPages(site.estimated) + " of it are a share of pages whose stack was not taken" : "")),
			    element("ol", {}, ...[...site.frames].reverse().map(stackItem)));
	return element("tr", {class: "stack"}, cell);
}

function siteCell(site)
{
	const open = table.open.has(site), button = element("button", {type: "button", "aria-expanded": open}, site.title);

	button.addEventListener("click", () => {
		table.open[open ? "delete" : "add"](site);
		tableDraw();
		byId("sites-table").querySelector("[data-site='" + site.number + "'] button").focus();
	});
	return element("td", {class: "site"}, button);
}

function siteRow(site)
{
	const row = element("tr", {"data-site": site.number});

	for (const column of COLUMNS) {
		if (column.key === "title") {
			row.append(siteCell(site));
			continue;
		}
		const cell = element("td", {class: [column.text ? "" : "number", column.wide ? "wide" : "",
						    column.key === "retained" ? "share" : ""].join(" ")}, column.show(site));

		if (column.key === "retained")
			cell.style.setProperty("--share", 100 * site.retained / (table.retained || 1) + "%");
		row.append(cell);
	}
	return row;
}

function restRow()
{
	const rest = data.sites.rest;

	return element("tr", {}, element("td", {class: "site"}, formatCount(rest.count) + " more sites"),
		       element("td", {class: "number"}, formatPages(rest.retained)), element("td", {class: "number"}, formatPages(rest.resident)),
		       element("td", {class: "number wide"}, formatPages(rest.growth, true)), element("td", {class: "number wide"}, formatPages(rest.lazy)),
		       element("td", {class: "wide"}), element("td", {class: "wide"}));
}

function tableDraw()
{
	const sites = data.sites.rows.filter(siteMatches).sort(siteCompare), body = byId("sites-table").tBodies[0];
	const shown = sites.slice(0, table.shown), sum = sites.reduce((pages, site) => pages + site.retained, 0);

	body.replaceChildren(...shown.flatMap(site => table.open.has(site) ? [siteRow(site), stackRow(site)] : [siteRow(site)]));
	if (data.sites.rest && shown.length === sites.length && !table.filter)
		body.append(restRow());
	for (const head of byId("sites-table").tHead.querySelectorAll("th")) {
		if (head.dataset.key === table.by)
			head.setAttribute("aria-sort", table.down ? "descending" : "ascending");
		else
			head.removeAttribute("aria-sort");
	}
	byId("sites-more").hidden = shown.length === sites.length;
	byId("sites-text").textContent = shown.length + " of " + formatCount(sites.length) + (table.filter ? " matching" : "") + " sites; " +
		formatPages(sum) + " retained in them" +
		(data.sites.seconds >= 0.05 ? "; growth is over " + formatSeconds(data.sites.seconds) : "");
}

function tableHead()
{
	byId("sites-table").tHead.append(element("tr", {}, ...COLUMNS.map(column => {
		const button = element("button", {type: "button"}, column.title);

		button.addEventListener("click", () => {
			table.down = table.by === column.key ? !table.down : !column.text;
			table.by = column.key;
			tableDraw();
		});
		return element("th", {scope: "col", "data-key": column.key,
				      class: [column.text ? "" : "number", column.wide ? "wide" : ""].join(" ")}, button);
	})));
}

function tableStart()
{
	data.sites.rows.forEach((site, i) => {
		site.number = i;
	});
	table.retained = data.sites.rows.reduce((pages, site) => pages + site.retained, 0);
	tableHead();
	tableDraw();
	byId("sites-more").addEventListener("click", () => {
		table.shown += 4 * TABLE_STEP;
		tableDraw();
	});
	byId("sites-filter").addEventListener("input", event => {
		table.filter = event.target.value.trim().toLowerCase();
		tableDraw();
	});
}
