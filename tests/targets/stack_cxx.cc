// SPDX-License-Identifier: GPL-2.0-only
/* First touches within catch blocks, destructors during unwinding, and operator new. */
#include "tests/targets/keep.h"
#include "tests/targets/stack_cxx.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#define LINK __attribute__((noipa))

namespace
{

/* A frame whose size and saved registers differ from its callers'. */
LINK void thrower(int depth)
{
	char locals[100];

	CHAIN_KEEP(locals);
	if (!depth)
		throw std::runtime_error("thrown");
	thrower(depth - 1);
	CHAIN_KEEP(locals);
}

struct Guard {
	LINK ~Guard()
	{
		cxx_touch();
	}
};

LINK void guarded(int depth)
{
	Guard guard;

	thrower(depth);
}

LINK void catcher(int depth)
{
	char locals[700];

	CHAIN_KEEP(locals);
	try {
		thrower(depth);
	} catch (const std::exception &) {
		cxx_touch();
	}
	CHAIN_KEEP(locals);
	cxx_touch(); /* behind it, too */
}

LINK void rethrower()
{
	try {
		thrower(2);
	} catch (const std::exception &) {
		cxx_touch();
		throw;
	}
}

class Base
{
      public:
	virtual ~Base() = default;
	virtual void enter(const std::string &name) = 0;
};

class Derived : public Base
{
      public:
	LINK void enter(const std::string &name) override
	{
		if (name.empty())
			return;
		cxx_touch();
	}
};

/* The vector grows, so operator new is called, and new pages are touched behind it. */
LINK void grow(std::vector<std::string> &names, size_t count)
{
	struct span *span = cxx_span_begin();

	for (size_t i = 0; i < count; i++)
		names.push_back(std::string(300, 'n'));
	cxx_span_end(span);
}

LINK void unwind_far()
{
	struct span *span = cxx_span_begin();

	try {
		thrower(60);
	} catch (const std::exception &) {
	}
	cxx_span_end(span);
}

} // namespace

void cxx_catch(void)
{
	catcher(3);
	std::unique_ptr<Base> base = std::make_unique<Derived>();
	base->enter("name");
}

void cxx_destructor(void)
{
	try {
		guarded(5);
	} catch (const std::exception &) {
		cxx_touch();
	}
}

void cxx_rethrow(void)
{
	try {
		rethrower();
	} catch (...) {
		cxx_touch();
	}
}

void cxx_new(size_t count)
{
	auto names = std::make_unique<std::vector<std::string>>();

	grow(*names, count);
	names.release(); /* the pages stay */
}

void cxx_throw_far(void)
{
	unwind_far();
}
