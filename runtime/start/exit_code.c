/* SPDX-License-Identifier: MIT */
/* exit_code.c - what a main() returns for an error of Pollux.  Cold; called by main(). */
#include "plx_env.h"
#include <errno.h>

int plx_exit_code(int err)
{
	switch (err) {
	case 0:
	case PLX_TEXT:
		return 0;
	case -EINVAL:
	case -ERANGE:
	case -E2BIG:
	case -EEXIST:
	case -EMSGSIZE:
	case -ECHILD: /* used in a child of fork */
		return PLX_EXIT_USAGE;
	case -ENODEV:
	case -ENXIO:
	case -ENETDOWN:
	case -EBUSY:
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT:
		return PLX_EXIT_DEVICE;
	case -EPERM:
	case -EACCES:
		return PLX_EXIT_PERMISSION;
	case -ENOMEM:
	case -ENOBUFS:
		return PLX_EXIT_MEMORY;
	case -EILSEQ:
		return PLX_EXIT_CHECK;
	default:
		return PLX_EXIT_RUNTIME;
	}
}
