"use strict";
// SPDX-License-Identifier: GPL-2.0-only
// What the parts of the page share. All text comes in as text: nothing is ever parsed as HTML.

// key: of its colour; column: of the data.
const CLASSES = [
	{key: "retained", column: "retained", title: "Retained", help: "first touched in an earlier interval, and still there"},
	{key: "young", column: "young", title: "Young", help: "first touched in the present interval"},
	{key: "lazy", column: "lazy", title: "Lazily freed", help: "given back by MADV_FREE, resident until the kernel wants it"},
	{key: "file", column: "file", title: "File", help: "of programs, libraries and mapped files"},
	{key: "shmem", column: "shmem", title: "Shared", help: "shared memory"},
];

// Of the heap's pages; from the top of the chart to its bottom.
const HEAP_CLASSES = [
	{key: "heap-unknown", column: "unknown", title: "Unknown", help: "it may hold allocations that are older than the probes"},
	{key: "heap-free", column: "free", title: "Free", help: "nothing in it is live: the allocator keeps it"},
	{key: "heap-fragmented", column: "fragmented", title: "Fragmented", help: "some of it is live, and keeps the rest of it resident"},
	{key: "heap-live", column: "live", title: "Live", help: "at least three quarters of it are live allocations"},
];

let data = null; // what the collector wrote, see html.c

function byId(id)
{
	return document.getElementById(id);
}

function element(tag, attributes, ...children)
{
	const made = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {}))
		if (value !== null && value !== undefined)
			made.setAttribute(name, value);
	made.append(...children.filter(child => child !== null && child !== undefined));
	return made;
}

// ---- numbers ----

function formatBytes(bytes, sign)
{
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let size = Math.abs(bytes), unit = 0;

	for (; size >= 1023.95 && unit < units.length - 1; unit++)
		size /= 1024;
	const digits = !unit || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
	return (bytes < 0 ? "\u2212" : sign && bytes > 0 ? "+" : "") + size.toFixed(digits) + " " + units[unit];
}

function formatPages(pages, sign)
{
	return formatBytes(pages * data.page_bytes, sign);
}

function formatCount(count)
{
	return Math.round(count).toLocaleString("en-US");
}

function formatShare(part, whole)
{
	const share = whole ? 100 * part / whole : 0;

	return share && share < 0.1 ? "<0.1%" : share.toFixed(share < 99.95 && share % 1 ? 1 : 0) + "%";
}

function formatSeconds(seconds)
{
	if (seconds === null)
		return "older than the watch";
	if (seconds < 120)
		return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
	if (seconds < 7200)
		return (seconds / 60).toFixed(0) + " min";
	return (seconds / 3600).toFixed(1) + " h";
}

// Page numbers fit a double, addresses do not.
function formatAddress(number, shift)
{
	return "0x" + (BigInt(number) << BigInt(shift)).toString(16);
}

// As much of a text as there is room for, in characters of one width.
function cutText(text, room)
{
	room = Math.floor(room);
	return room < 3 ? "" : text.length <= room ? text : text.slice(0, room - 1) + "\u2026";
}

// ---- colours ----

function color(name)
{
	return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

const redraws = []; // to be called when the colours or the width have changed

function redraw()
{
	for (const draw of redraws)
		draw();
}

function themeSet(dark)
{
	document.documentElement.dataset.theme = dark ? "dark" : "light";
	byId("theme").textContent = dark ? "Light" : "Dark";
	byId("theme").setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
	redraw();
}

// As the system is, until the reader says otherwise.
function themeStart()
{
	const system = matchMedia("(prefers-color-scheme: dark)");
	let chosen = false;

	themeSet(system.matches);
	system.addEventListener("change", () => chosen || themeSet(system.matches));
	byId("theme").addEventListener("click", () => {
		chosen = true;
		themeSet(document.documentElement.dataset.theme !== "dark");
	});
}

// Where the width has changed, not the height: phones change that while scrolling.
function widthStart()
{
	let width = innerWidth, timer = 0;

	addEventListener("resize", () => {
		if (innerWidth === width)
			return;
		width = innerWidth;
		clearTimeout(timer);
		timer = setTimeout(redraw, 100);
	});
}

// ---- the tip: what a point of a picture is ----

function tipShow(x, y, title, lines)
{
	const tip = byId("tip");

	tip.replaceChildren(element("b", {}, title), ...lines.filter(line => line).map(line => element("div", {}, line)));
	tip.hidden = false;
	tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + "px";
	tip.style.top = (y + 18 + tip.offsetHeight < innerHeight ? y + 18 : Math.max(4, y - tip.offsetHeight - 10)) + "px";
}

function tipHide()
{
	byId("tip").hidden = true;
}
