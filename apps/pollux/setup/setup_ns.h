/* SPDX-License-Identifier: MIT */
/* setup_ns.h - values of other network namespaces. */
#ifndef SETUP_NS_H
#define SETUP_NS_H

#include "setup.h"

/* ns_undo does what u says in the network namespaces elsewhere that the journal has values of,
   each in a child that enters it; those that are no more are dropped.  *restored counts on.
   0, or -EIO after lines that tell what failed. */
int ns_undo(const struct setup_undo *u, unsigned *restored);

#endif
