/* SPDX-License-Identifier: MIT */
/* plx_json.h - one JSON value written to a stream, member by member; the library links no JSON library.

	struct plx_json j;

	plx_json_begin(&j, stdout);
	plx_json_object(&j, NULL);
	plx_json_text(&j, "name", "eth0");
	plx_json_array(&j, "cpus");
	plx_json_u64(&j, NULL, 3);
	plx_json_array_end(&j);
	plx_json_object_end(&j);
	err = plx_json_end(&j);                       {"name":"eth0","cpus":[3]}

   A member of an object needs its key, which is copied out and escaped; what stands in an array, and the one
   value in all, has none: NULL.  Another order of calls than that of JSON is a mistake of the program, and ends it.
   Output is ASCII, without blanks, the same in every locale.  Writer and stream are one thread's from begin to end:
   the stream is not locked, which takes most of the time.  Calls block as the stream does; what it does not take is
   told at the end. */
#ifndef PLX_JSON_H
#define PLX_JSON_H

#include "plx_defs.h"
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PLX_JSON_DEPTH  = 31, /* objects and arrays within each other */
	PLX_JSON_DIGITS = 9   /* behind the point of a number */
};

/* Set by plx_json_begin; holds no memory, so it may be dropped at any point. */
struct plx_json {
	FILE    *f;      /* the caller's */
	uint32_t arrays; /* bit n: level n is an array, else an object */
	uint8_t  depth;  /* open levels */
	bool     filled; /* the open level has a member */
};

/* plx_json_begin makes a writer to f.  plx_json_end, when all that was opened is closed, ends the line: 0, or -EIO if
   f failed before; what it holds back is not flushed. */
PLX_API void plx_json_begin(struct plx_json *j, FILE *f);
PLX_API int  plx_json_end(struct plx_json *j);

PLX_API void plx_json_object(struct plx_json *j, const char *key);
PLX_API void plx_json_object_end(struct plx_json *j);
PLX_API void plx_json_array(struct plx_json *j, const char *key);
PLX_API void plx_json_array_end(struct plx_json *j);

/* plx_json_text writes a string, or null for NULL.  What is not UTF-8 is taken as Latin-1: names of interfaces are
   bytes.  plx_json_double writes v with so many digits behind the point, 0 to PLX_JSON_DIGITS, rounded; null if v is
   no number, or of 10^(18 - digits) and more. */
PLX_API void plx_json_text(struct plx_json *j, const char *key, const char *s);
PLX_API void plx_json_u64(struct plx_json *j, const char *key, uint64_t v);
PLX_API void plx_json_i64(struct plx_json *j, const char *key, int64_t v);
PLX_API void plx_json_double(struct plx_json *j, const char *key, double v, unsigned digits);
PLX_API void plx_json_bool(struct plx_json *j, const char *key, bool v);
PLX_API void plx_json_null(struct plx_json *j, const char *key);

#ifdef __cplusplus
}
#endif
#endif
