/* SPDX-License-Identifier: MIT */
/* mbuf_chain.c - what walks the segments of a packet or copies its bytes; warm, called by
   applications and by drivers that must copy.  Loops are bounded by the 255
   segments that plx_mbuf_chain allows. */
#include "plx_pool.h"
#include <errno.h>

static struct plx_mbuf *last_segment(struct plx_mbuf *m)
{
	while (m->next) {
		PLX_DASSERT(m->next != m);
		m = m->next;
	}
	return m;
}

uint8_t *plx_mbuf_append(struct plx_mbuf *m, uint16_t n)
{
	struct plx_mbuf *last = last_segment(m);
	uint8_t *at = last->data + last->len;

	if (n > plx_mbuf_tailroom(last))
		return NULL;
	last->len += n;
	m->pkt_len += n;
	return at;
}

int plx_mbuf_trim(struct plx_mbuf *m, uint16_t n)
{
	struct plx_mbuf *last = last_segment(m);

	PLX_DASSERT(last->len <= m->pkt_len);
	if (n > last->len)
		return -EINVAL;
	last->len -= n;
	m->pkt_len -= n;
	return 0;
}

int plx_mbuf_chain(struct plx_mbuf *head, struct plx_mbuf *tail)
{
	PLX_DASSERT(head != tail && head->nsegs && tail->nsegs);
	if (head->nsegs + tail->nsegs > UINT8_MAX)
		return -EOVERFLOW;
	last_segment(head)->next = tail;
	head->nsegs += tail->nsegs;
	head->pkt_len += tail->pkt_len;
	tail->nsegs = 1; /* it means nothing there, and a free mbuf must have 1 */
	return 0;
}

const void *plx_mbuf_read(const struct plx_mbuf *m, uint32_t off, uint32_t n, void *buf)
{
	uint32_t done = 0;

	while (m->next && off >= m->len) {
		off -= m->len;
		m = m->next;
	}
	if (off > m->len)
		return NULL;
	if (n <= m->len - off)
		return m->data + off;
	for (; m && done < n; m = m->next, off = 0) {
		uint32_t k = m->len - off;

		PLX_DASSERT(off <= m->len);
		if (k > n - done)
			k = n - done;
		memcpy((uint8_t *)buf + done, m->data + off, k);
		done += k;
	}
	return done == n ? buf : NULL;
}

static void copy_meta(struct plx_mbuf *to, const struct plx_mbuf *from)
{
	to->user = from->user;
	to->timestamp = from->timestamp;
	to->flags = from->flags;
	to->seg_size = from->seg_size;
	to->hash = from->hash;
	to->queue = from->queue;
	to->vlan = from->vlan;
	to->l2_len = from->l2_len;
	to->l3_len = from->l3_len;
	to->port = from->port;
}

/* Copies the bytes of from behind the data of the packet to, which grows by segments of
   its pool as needed.  -ENOBUFS: some bytes are missing. */
static int append_packet(struct plx_mbuf *to, const struct plx_mbuf *from)
{
	struct plx_mbuf *at = to;

	for (; from; from = from->next) {
		uint16_t done = 0;

		while (done < from->len) {
			uint16_t room = plx_mbuf_tailroom(at), k = from->len - done;

			if (!room) {
				at->next = to->nsegs < UINT8_MAX ? plx_mbuf_get(to->pool) : NULL;
				if (!at->next)
					return -ENOBUFS;
				at = at->next;
				to->nsegs++;
				continue;
			}
			if (k > room)
				k = room;
			PLX_DASSERT(k && done + k <= from->len);
			memcpy(at->data + at->len, from->data + done, k);
			at->len += k;
			done += k;
			to->pkt_len += k;
		}
	}
	return 0;
}

struct plx_mbuf *plx_mbuf_copy(const struct plx_mbuf *m, struct plx_pool *pool)
{
	struct plx_mbuf *c = plx_mbuf_get(pool);

	if (!c)
		return NULL;
	copy_meta(c, m);
	if (append_packet(c, m)) {
		plx_mbuf_put(c);
		return NULL;
	}
	return c;
}

int plx_mbuf_linearize(struct plx_mbuf **m)
{
	struct plx_pool *pool = (*m)->pool;
	struct plx_mbuf *c;

	if (!(*m)->next)
		return 0;
	if ((*m)->pkt_len > pool->frame_size - pool->data_off)
		return -EMSGSIZE;
	c = plx_mbuf_copy(*m, pool);
	if (!c)
		return -ENOBUFS;
	plx_mbuf_put(*m);
	*m = c;
	return 0;
}
