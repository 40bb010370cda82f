// SPDX-License-Identifier: GPL-2.0-only
// The flame graph: d3 lays it out and keeps its elements; roots on top.

const FLAME_ROW = 19; // pixels
const FLAME_CHARACTER = 6.95; // width of one, about

// What the widths stand for. Pages are of first touches, allocations of where they were made.
const FLAME_WHATS = {
	retained: {title: "Who touched it first", words: "retained", by: "touched them first", self: "touched by itself"},
	resident: {title: "Who touched it first", words: "resident", by: "touched them first", self: "touched by itself"},
	live: {title: "Who allocated what is live", words: "live", by: "allocated them, by samples", self: "allocated by itself"},
};

const flame = {tree: null, focus: null, current: null, search: "", what: "retained"};

// [{frames, bytes}, ...]
function flameStacks()
{
	if (flame.what === "live")
		return data.sites.allocations.map(one => ({frames: one.frames, bytes: one.live}));
	return data.sites.rows.map(site => ({frames: site.frames, bytes: site[flame.what] * data.page_bytes}));
}

function flameTree()
{
	const root = {name: data.process.command, children: new Map(), self: 0, role: 0, where: ""};

	for (const stack of flameStacks()) {
		let node = root;

		if (!stack.bytes)
			continue;
		for (const number of stack.frames) {
			const [name, place, module, role] = data.sites.frames[number];

			if (!node.children.has(name))
				node.children.set(name, {name: name, children: new Map(), self: 0, role: role,
							 where: [module, place].filter(text => text).join(" ")});
			node = node.children.get(name);
		}
		node.self += stack.bytes;
	}
	if (data.sites.rest && data.sites.rest[flame.what])
		root.children.set("[other sites]", {name: "[other sites]", children: new Map(), self: data.sites.rest[flame.what] * data.page_bytes,
						    role: 2, where: ""});
	return d3.hierarchy(root, node => [...node.children.values()])
		.sum(node => node.self)
		.sort((a, b) => b.value - a.value || (a.data.name < b.data.name ? -1 : 1));
}

function flameText(node)
{
	return formatBytes(node.value) + ", " + formatShare(node.value, flame.tree.value);
}

function flameMatches(node)
{
	return flame.search && node.data.name.toLowerCase().includes(flame.search);
}

// Those in view of the focus and its ancestors, wide enough to be seen.
function flameVisible(width)
{
	const {x0, x1} = flame.focus, scale = width / (x1 - x0 || 1);
	const visible = [];

	flame.tree.each(node => {
		const left = Math.max(0, (node.x0 - x0) * scale), right = Math.min(width, (node.x1 - x0) * scale);

		if (right - left >= 0.7)
			visible.push({node: node, left: left, width: right - left, above: node.depth < flame.focus.depth});
	});
	return visible;
}

function flameTip(event, item)
{
	const box = event.currentTarget.getBoundingClientRect(), node = item.node;
	const x = event.clientX === undefined ? box.left : event.clientX;
	const y = event.clientY === undefined ? box.bottom - 16 : event.clientY;

	tipShow(x, y, node.data.name, [flameText(node) + " of what is " + FLAME_WHATS[flame.what].words,
				       node.data.self ? formatBytes(node.data.self) + " " + FLAME_WHATS[flame.what].self : "", node.data.where]);
}

function flameDraw()
{
	const holder = byId("flame-graph"), width = holder.clientWidth;
	const visible = flameVisible(width);
	const depth = Math.max(...visible.map(item => item.node.depth)) + 1;
	const svg = d3.select(holder).selectAll("svg").data([null]).join("svg")
		.attr("width", width).attr("height", depth * FLAME_ROW).attr("role", "tree")
		.attr("aria-label", "Call stacks: " + FLAME_WHATS[flame.what].title);
	const groups = svg.selectAll("g").data(visible, item => item.node.id)
		.join(enter => {
			const group = enter.append("g").attr("role", "treeitem");

			group.append("rect").attr("height", FLAME_ROW - 1).attr("rx", 2);
			group.append("text").attr("x", 4).attr("y", FLAME_ROW - 6);
			group.on("click", item => flameFocus(item.node))
				.on("mousemove", item => flameTip(d3.event, item))
				.on("mouseleave blur", tipHide)
				.on("focus", item => flameTip(d3.event, item));
			return group;
		});

	groups.attr("transform", item => "translate(" + item.left + "," + item.node.depth * FLAME_ROW + ")")
		.attr("tabindex", item => item.node === flame.current ? 0 : -1)
		.attr("aria-level", item => item.node.depth + 1)
		.attr("aria-label", item => item.node.data.name + ", " + flameText(item.node))
		.classed("above", item => item.above)
		.classed("match", item => flameMatches(item.node));
	groups.select("rect").attr("width", item => item.width).style("fill", item => "var(--role-" + item.node.data.role + ")");
	groups.select("text").text(item => cutText(item.node.data.name, (item.width - 8) / FLAME_CHARACTER));
	holder.classList.toggle("searching", flame.search !== "");
}

// What is under matching frames, each counted once.
function flameMatched()
{
	let sum = 0;
	const walk = node => {
		if (flameMatches(node))
			sum += node.value;
		else
			(node.children || []).forEach(walk);
	};

	walk(flame.tree);
	return sum;
}

function flameSay()
{
	const whole = flame.tree.value, what = FLAME_WHATS[flame.what];
	const zoomed = flame.focus === flame.tree ? "" : "; zoomed to " + flame.focus.data.name;

	if (!whole)
		byId("flame-text").textContent = "Nothing is " + what.words + ".";
	else if (flame.search)
		byId("flame-text").textContent = "\u201c" + flame.search + "\u201d is in the stacks of " + formatBytes(flameMatched()) + ", " +
			formatShare(flameMatched(), whole) + " of what is " + what.words + zoomed;
	else
		byId("flame-text").textContent = formatBytes(whole) + " " + what.words + ", by the call stack that " + what.by + zoomed;
}

function flameFocus(node)
{
	flame.focus = flame.current = node;
	tipHide();
	flameDraw();
	flameSay();
}

function flameMake()
{
	let id = 0;

	flame.tree = flameTree();
	d3.partition()(flame.tree);
	flame.tree.each(node => {
		node.id = ++id;
	});
	flame.focus = flame.current = flame.tree;
	byId("flame-title").textContent = FLAME_WHATS[flame.what].title;
	byId("flame-graph").replaceChildren();
	if (flame.tree.value)
		flameDraw();
	flameSay();
}

// Moves the keyboard's place; what is too narrow to be seen is zoomed to.
function flameGo(node)
{
	const find = () => d3.select("#flame-graph").selectAll("g").filter(item => item.node === node).node();

	if (!node)
		return;
	flame.current = node;
	flameDraw();
	if (!find()) {
		flameFocus(node.parent || node);
		flame.current = node;
		flameDraw();
	}
	if (find())
		find().focus();
}

function flameSibling(node, step)
{
	const siblings = node.parent ? node.parent.children : [node];

	return siblings[siblings.indexOf(node) + step];
}

function flameKey(event)
{
	const node = flame.current;
	const keys = {
		"ArrowUp": () => flameGo(node.parent),
		"ArrowDown": () => flameGo(node.children && node.children[0]),
		"ArrowLeft": () => flameGo(flameSibling(node, -1)),
		"ArrowRight": () => flameGo(flameSibling(node, 1)),
		"Enter": () => (flameFocus(node), flameGo(node)),
		" ": () => (flameFocus(node), flameGo(node)),
		"Escape": () => (flameFocus(flame.tree), flameGo(flame.tree)),
		"Home": () => flameGo(flame.tree),
	};

	if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey)
		return;
	event.preventDefault();
	keys[event.key]();
}

function flameStart()
{
	if (!data.heap)
		byId("flame-live").remove();
	flameMake();
	byId("flame-graph").addEventListener("keydown", flameKey);
	byId("flame-reset").addEventListener("click", () => flame.tree.value && flameFocus(flame.tree));
	byId("flame-what").addEventListener("change", event => {
		flame.what = event.target.value;
		flameMake();
	});
	byId("flame-search").addEventListener("input", event => {
		flame.search = event.target.value.trim().toLowerCase();
		if (flame.tree.value)
			flameDraw();
		flameSay();
	});
	redraws.push(() => flame.tree.value && flameDraw());
}
