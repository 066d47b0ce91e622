/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* steer.h - what the steering program and drivers/af_xdp share. */
#ifndef STEER_H
#define STEER_H
#endif
