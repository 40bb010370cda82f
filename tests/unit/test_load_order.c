// SPDX-License-Identifier: GPL-2.0-only
/* The order of this process's libraries, against what its loader says. */
#include "tests/unit/support.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/source/load_order.h"

struct truth {
	uint64_t bases[LOAD_ORDER_MAX];
	size_t count;
};

static int note(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct truth *truth = ctx;

	(void)size;
	truth->bases[truth->count++] = info->dlpi_addr;
	return 0;
}

static void own_order(void **state)
{
	static struct load_order order;
	static struct truth truth;
	AUTO_FD int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(load_order_read(self, &order), 0);
	dl_iterate_phdr(note, &truth);
	assert_true(truth.count > 3);
	assert_int_equal(order.count, truth.count);
	for (size_t i = 0; i < truth.count; i++)
		assert_int_equal(order.bases[i], truth.bases[i]);
}

static void places(void **state)
{
	static struct load_order order;
	AUTO_FD int self = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Dl_info info;
	int place;

	(void)state;
	assert_int_equal(load_order_read(self, &order), 0);
	assert_int_equal(load_order_place(&order, (uintptr_t)places), 0);
	assert_true(dladdr((void *)(uintptr_t)dlsym(RTLD_DEFAULT, "fopen"), &info));
	place = load_order_place(&order, (uintptr_t)info.dli_saddr);
	assert_true(place > 0);
	assert_int_equal(order.bases[place], (uintptr_t)info.dli_fbase);
	assert_int_equal(load_order_place(&order, 0), -1);
	assert_int_equal(load_order_place(&order, UINT64_MAX), -1);
}

static void nobody(void **state)
{
	static struct load_order order;
	AUTO_FD int none = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(load_order_read(none, &order), -ENOENT);
	order.count = 0;
	assert_int_equal(load_order_place(&order, 4096), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_order),
		cmocka_unit_test(places),
		cmocka_unit_test(nobody),
	};

	return cmocka_run_group_tests_name("load_order", tests, NULL, NULL);
}
