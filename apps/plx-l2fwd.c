/* SPDX-License-Identifier: MIT */
#include <pollux/plx.h>

int main(void)
{
	return 0;
}
