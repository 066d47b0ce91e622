/* SPDX-License-Identifier: MIT */
/* fake.h - a machine made of the bytes of an input: files, and answers of the kernel.  No call of it reaches
   the real one.  One at a time. */
#ifndef FAKE_H
#define FAKE_H

#include "fuzz.h"
#include "plx_sys.h"

/* fake_sys has files, answers and a clock that moves by itself; other calls fail with ENOSYS, or are NULL where a
   target has no use for them.  A target may copy it and put in calls of its own. */
extern const struct plx_sys fake_sys;

/* fake_begin makes an empty machine; fake_end frees it, and must find no descriptor open. */
void fake_begin(void);
void fake_end(void);

/* ---- files ----

   A text makes them.  A line "== PATH" begins a file, the lines up to the next such line are its contents:

     == /proc/irq/24/smp_affinity_list
     0-3

   What a path leads through is a directory, and "== PATH/" an empty one.  Only what has the same text is the same
   path.  Files may be written: the first write to a descriptor begins anew. */
void fake_files(const uint8_t *text, size_t len);
/* fake_file: the contents of a file, a string of *len bytes; NULL = there is none.  fake_put makes or replaces one. */
const char *fake_file(const char *path, size_t *len);
void fake_put(const char *path, const void *text, size_t len);

/* ---- answers ----

   A question, sendto or an ioctl, gets what stands in the input behind the last answer:

     byte flags, two bytes of length (little-endian), so many bytes

   The datagrams of one question end with one that has FAKE_LAST, and when there are no more, there is none.  An ioctl
   gets the bytes of one over its own, as many as it has. */
enum { FAKE_LAST = 1,    /* of this question */
       FAKE_SEQ = 2,     /* messages get the number of the question */
       FAKE_LEN = 4,     /* the first message gets the length of the datagram */
       FAKE_STRANGER = 8, /* another process sent it */
       FAKE_ERROR = 16   /* the call fails with the errno that is in the first byte */ };
void fake_answers(const uint8_t *bytes, size_t len);
/* fake_each calls fn with each datagram that is left, in memory of its own size (as a multiple of 4, which libmnl
   reads), and takes none. */
void fake_each(void (*fn)(void *arg, void *bytes, size_t len), void *arg);

#endif
