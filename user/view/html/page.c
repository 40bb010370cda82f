// SPDX-License-Identifier: GPL-2.0-only
#include "user/view/html/page.h"

/* HTML_PAGE is the path of the file that the Makefile made. */
#ifdef HTML_PAGE
__asm__(".pushsection .rodata\n"
	".global html_page, html_page_end\n"
	"html_page:\n"
	".incbin \"" HTML_PAGE "\"\n"
	"html_page_end:\n"
	".popsection\n");
#endif
