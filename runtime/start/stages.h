/* SPDX-License-Identifier: MIT */
/* stages.h - the stages of a start.  Internal to runtime/. */
#ifndef STAGES_H
#define STAGES_H

#include "env.h"

/* 0, or -errno, logged, and PLX_TEXT where the stages ended with a text: what came up is undone. */
int  stages_up(struct plx_env *env);
void stages_down(struct plx_env *env);

/* stage_reach.c */
int  reach_up(struct plx_env *env);

#endif
