/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page, as the Makefile puts it together from report.html, its styles and scripts, and the
 * libraries: all of it up to the data.
 */
#ifndef TIDEMARK_VIEW_HTML_PAGE_H
#define TIDEMARK_VIEW_HTML_PAGE_H

extern const char html_page[];
extern const char html_page_end[]; /* right behind its last byte */

#endif
